//! Takes out what belongs to one connection only (RFC 9110 section 7.6.1).

use super::characters::trim;
use super::fields::Fields;
use super::known::{Known, KnownSet, same_name};

/// Removes the hop-by-hop fields and every field that `Connection` names. `TE: trailers` stays: we pass
/// trailers on. `Content-Length` and `Transfer-Encoding` are not here to be removed: `framing` has them.
pub fn strip_hop_by_hop(fields: &mut Fields) {
    if !fields.may_have(KnownSet::HOP_BY_HOP) {
        return;
    }
    if fields.may_have(KnownSet::of(&[Known::Connection])) {
        remove_named_by_connection(fields);
    }
    fields.retain(|known, _, value| match known {
        Known::Te => value.eq_ignore_ascii_case(b"trailers"),
        known => !known.is_hop_by_hop(),
    });
}

/// The elements of a comma-separated list, empty ones left out.
pub(super) fn elements(list: &[u8]) -> impl Iterator<Item = &[u8]> {
    list.split(|byte| *byte == b',').map(trim).filter(|element| !element.is_empty())
}

fn remove_named_by_connection(fields: &mut Fields) {
    // The usual options name no field that is here and not hop-by-hop anyway; only others cost a copy.
    let named =
        |option: &&[u8]| !option.eq_ignore_ascii_case(b"close") && !KnownSet::HOP_BY_HOP.contains(Known::of(option));
    if !fields.get_all_known(Known::Connection).flat_map(elements).any(|option| named(&option)) {
        return;
    }
    let options: Vec<Vec<u8>> =
        fields.get_all_known(Known::Connection).flat_map(elements).filter(named).map(<[u8]>::to_vec).collect();
    fields.retain(|_, name, _| !options.iter().any(|option| same_name(option, name)));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stripped(lines: &[(&str, &str)]) -> Vec<String> {
        let mut fields = Fields::default();
        for (name, value) in lines {
            fields.push(name.as_bytes(), value.as_bytes());
        }
        strip_hop_by_hop(&mut fields);
        fields.iter().map(|(_, name, _)| String::from_utf8_lossy(name).into_owned()).collect()
    }

    #[test]
    fn connection_fields_are_removed_and_the_rest_stays_in_order() {
        let left = stripped(&[
            ("Accept", "a"),
            ("Connection", "keep-alive"),
            ("Keep-Alive", "timeout=5"),
            ("Proxy-Connection", "x"),
            ("Proxy_Connection", "x"),
            ("Upgrade", "h2c"),
            ("Trailer", "x-sum"),
            ("Proxy-Authorization", "x"),
            ("Proxy-Authenticate", "x"),
            ("Cookie", "c"),
        ]);
        assert_eq!(left, ["Accept", "Cookie"], "only what is meant for the next hop too may stay");
    }

    #[test]
    fn every_field_that_connection_names_is_removed() {
        let left = stripped(&[
            ("X-One", "1"),
            ("Connection", "close, x-one"),
            ("x_two", "2"),
            ("Connection", ",X-Two ,, te"),
            ("X-Three", "3"),
            ("TE", "trailers"),
        ]);
        assert_eq!(left, ["X-Three", "TE"], "named fields go, whatever their form; te: trailers stays");
    }

    #[test]
    fn te_stays_only_for_trailers() {
        assert_eq!(stripped(&[("TE", "gzip, trailers")]), [""; 0], "a coding is between two hops");
        assert_eq!(stripped(&[("TE", "Trailers")]), ["TE"], "we pass trailers on");
    }
}
