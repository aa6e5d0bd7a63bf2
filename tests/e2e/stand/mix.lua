-- For wrk: good requests, missing pages, dead services, bodies of both kinds, and what is no HTTP at all.

local chunked = "POST /chunked HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
  .. "5\r\nhello\r\n3;x=y\r\nabc\r\n0\r\nx-trailer: yes\r\n\r\n"
local large = { ["x-large"] = string.rep("a", 9000) }
local mix, at = {}, 0

-- Not before: only now wrk knows the Host.
function init()
  -- How often of a hundred, and what. The answers to the bad ones end their connection.
  local shares = {
    { 45, wrk.format("GET", "/") },
    { 20, wrk.format("GET", "/here") },
    { 10, wrk.format("GET", "/missing/page?q=1") },
    { 5, wrk.format("HEAD", "/empty") },
    { 8, wrk.format("POST", "/form", {}, string.rep("b", 1000)) },
    { 4, chunked },
    { 2, wrk.format("GET", "/headers", large) },
    { 2, wrk.format("GET", "/dead") },
    { 1, "GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n" },
    { 1, "GET /\0 HTTP/1.1\r\nHost: localhost\r\n\r\n" },
    { 1, "GET /old HTTP/1.0\r\n\r\n" },
    { 1, "nonsense\r\n\r\n" },
  }
  for _, share in ipairs(shares) do
    for _ = 1, share[1] do
      table.insert(mix, math.random(#mix + 1), share[2])
    end
  end
end

function request()
  at = at % #mix + 1
  return mix[at]
end

function done(summary)
  io.write(string.format("answered=%d bad=%d timeouts=%d\n",
    summary.requests, summary.errors.status, summary.errors.timeout))
end
