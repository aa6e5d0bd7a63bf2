//! One end of a conversation.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use super::PATIENCE;

/// A client or an endpoint that says and expects what the test tells it to.
pub struct Talker {
    who: &'static str,
    stream: TcpStream,
    heard: Vec<u8>,
}

impl Talker {
    pub fn new(who: &'static str, stream: TcpStream) -> Self {
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        Self { who, stream, heard: Vec::new() }
    }

    pub fn says(&mut self, bytes: impl AsRef<[u8]>) -> &mut Self {
        self.stream.write_all(bytes.as_ref()).unwrap_or_else(|error| panic!("{} could not write: {error}", self.who));
        self
    }

    /// A request without a body.
    pub fn asks(&mut self, path: &str) -> &mut Self {
        self.says(format!("GET {path} HTTP/1.1\r\nhost: test\r\n\r\n"))
    }

    /// A plain response.
    pub fn answers(&mut self, status: u16, body: &str) -> &mut Self {
        self.says(format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\n\r\n{body}", body.len()))
    }

    /// The next head, as text, lines ended by CR LF, without the empty line.
    pub fn hears_head(&mut self) -> String {
        let end = self.read_until(|heard| heard.windows(4).position(|four| four == b"\r\n\r\n"), "a whole head");
        let head: Vec<u8> = self.heard.drain(..end + 4).collect();
        String::from_utf8(head[..end].to_vec()).unwrap_or_else(|_| panic!("{} heard a head that is not text", self.who))
    }

    /// A head of that status.
    pub fn hears_status(&mut self, status: u16) -> String {
        let head = self.hears_head();
        let expected = format!("HTTP/1.1 {status} ");
        assert!(head.starts_with(&expected), "the {} expected a {status}, heard:\n{head}", self.who);
        head
    }

    /// Exactly these bytes come next.
    pub fn hears(&mut self, expected: impl AsRef<[u8]>) -> &mut Self {
        let expected = expected.as_ref();
        let wanted = format!("{:?}", String::from_utf8_lossy(expected));
        self.read_until(|heard| (heard.len() >= expected.len()).then_some(0), &wanted);
        let heard: Vec<u8> = self.heard.drain(..expected.len()).collect();
        let heard = String::from_utf8_lossy(&heard).into_owned();
        assert_eq!(heard, String::from_utf8_lossy(expected), "what the {} heard", self.who);
        self
    }

    /// Something was said, or the other side has ended; nothing is taken of it.
    pub fn has_heard_something(&self) -> bool {
        self.stream.set_nonblocking(true).unwrap();
        let silent = matches!(self.stream.peek(&mut [0]), Err(error) if error.kind() == ErrorKind::WouldBlock);
        self.stream.set_nonblocking(false).unwrap();
        !silent
    }

    /// So many bytes come next, whatever they are.
    pub fn hears_bytes(&mut self, mut count: usize) {
        while count > 0 {
            self.read_until(|heard| (!heard.is_empty()).then_some(0), &format!("{count} more bytes"));
            let some = count.min(self.heard.len());
            self.heard.drain(..some);
            count -= some;
        }
    }

    /// Whatever comes next.
    pub fn hears_some(&mut self) -> String {
        self.read_until(|heard| (!heard.is_empty()).then_some(0), "anything");
        text(&std::mem::take(&mut self.heard))
    }

    /// A response of that status whose length is declared, and its body. Gives back the head.
    pub fn hears_response(&mut self, status: u16, body: &str) -> String {
        let head = self.hears_status(status);
        self.hears(body);
        head
    }

    /// A response of ours with that status and flag; its body is skipped.
    pub fn hears_flag(&mut self, status: u16, flag: &str) -> String {
        let head = self.hears_status(status);
        assert_eq!(field(&head, "x-flatproxy-flag"), Some(flag), "in the head\n{head}");
        let length: usize = field(&head, "content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
        self.read_until(|heard| (heard.len() >= length).then_some(0), "the body of the answer");
        self.heard.drain(..length);
        head
    }

    /// The other side closes, and says nothing more.
    pub fn hears_the_end(&mut self) {
        let mut rest = [0; 1024];
        match self.stream.read(&mut rest) {
            Ok(0) => assert!(self.heard.is_empty(), "the {} heard more: {:?}", self.who, text(&self.heard)),
            Ok(n) => panic!("the {} expected the end, heard {:?}", self.who, text(&rest[..n])),
            Err(error) => panic!("the {} expected the end, got: {error}", self.who),
        }
    }

    /// Whatever still comes until the other side ends, orderly or not.
    pub fn hears_the_rest(&mut self) -> String {
        let mut rest = std::mem::take(&mut self.heard);
        let mut more = [0; 16 * 1024];
        loop {
            match self.stream.read(&mut more) {
                Ok(0) => break,
                Ok(n) => rest.extend_from_slice(&more[..n]),
                Err(error) if error.kind() == ErrorKind::ConnectionReset => break,
                Err(error) => panic!("the {} expected some kind of end, got: {error}", self.who),
            }
        }
        text(&rest)
    }

    /// The other side resets.
    pub fn hears_a_reset(&mut self) {
        let mut rest = Vec::new();
        let error = self.stream.read_to_end(&mut rest).expect_err("a reset was expected, not an orderly end");
        assert_eq!(error.kind(), ErrorKind::ConnectionReset, "what the {} heard", self.who);
    }

    /// The other side says nothing for a moment. Only where silence is the promise.
    pub fn hears_nothing(&mut self) -> &mut Self {
        self.stream.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
        let mut some = [0; 1024];
        if let Ok(n) = self.stream.read(&mut some) {
            panic!("the {} expected silence, heard {:?}", self.who, text(&some[..n]));
        }
        self.stream.set_read_timeout(Some(PATIENCE)).unwrap();
        self
    }

    /// Repeats `bytes` until nothing more is taken for a moment, or `most` bytes are; says how many were.
    pub fn says_until_nobody_reads(&mut self, bytes: &[u8], most: usize) -> usize {
        self.stream.set_write_timeout(Some(Duration::from_millis(300))).unwrap();
        let mut taken = 0;
        while taken < most {
            match self.stream.write(&bytes[taken % bytes.len()..]) {
                Ok(n) => taken += n,
                Err(_) => break,
            }
        }
        self.stream.set_write_timeout(Some(PATIENCE)).unwrap();
        taken
    }

    /// Repeats `bytes` until so many are taken.
    pub fn says_all(&mut self, bytes: &[u8], mut count: usize) {
        while count > 0 {
            let some = count.min(bytes.len());
            self.says(&bytes[..some]);
            count -= some;
        }
    }

    /// Says it, or not, when the other side has closed already.
    pub fn says_if_possible(&mut self, bytes: impl AsRef<[u8]>) {
        let _ = self.stream.write_all(bytes.as_ref());
    }

    /// The same connection, for speaking on another thread.
    pub fn another_mouth(&self) -> Talker {
        Talker::new(self.who, self.stream.try_clone().unwrap())
    }

    /// Closes the connection.
    pub fn closes(self) {
        drop(self);
    }

    /// Ends its own direction.
    pub fn ends(&mut self) -> &mut Self {
        self.stream.shutdown(Shutdown::Write).unwrap();
        self
    }

    /// Resets the connection.
    pub fn resets(self) {
        socket2::SockRef::from(&self.stream).set_linger(Some(Duration::ZERO)).unwrap();
    }

    pub fn stream(&self) -> &TcpStream {
        &self.stream
    }

    fn read_until(&mut self, done: impl Fn(&[u8]) -> Option<usize>, what: &str) -> usize {
        loop {
            if let Some(at) = done(&self.heard) {
                return at;
            }
            let mut more = [0; 16 * 1024];
            match self.stream.read(&mut more) {
                Ok(0) => panic!("the {} expected {what}, heard {:?} and then the end", self.who, text(&self.heard)),
                Ok(n) => self.heard.extend_from_slice(&more[..n]),
                Err(error) => panic!("the {} expected {what}, heard {:?}, then: {error}", self.who, text(&self.heard)),
            }
        }
    }
}

/// The value of a field in a head.
pub fn field<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().skip(1).find_map(|line| {
        let (field, value) = line.split_once(':')?;
        field.eq_ignore_ascii_case(name).then(|| value.trim())
    })
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
