-- wrk counts what is not a 2xx or 3xx; this holds every response to status 200 and the length in BENCH_LENGTH, and
-- prints the result as one line of JSON after wrk's own report. One thread: the counters are the thread's own.

local length = tonumber(os.getenv("BENCH_LENGTH"))
local threads = {}

function setup(thread)
  table.insert(threads, thread)
end

function init(arguments)
  wrong = 0
end

function response(status, headers, body)
  if status ~= 200 or #body ~= length then
    wrong = wrong + 1
  end
end

function done(summary, latency, requests)
  local wrong_total = 0
  for _, thread in ipairs(threads) do
    wrong_total = wrong_total + thread:get("wrong")
  end
  local errors = summary.errors
  io.write(string.format(
    '\n{"completed":%d,"seconds":%.6f,"bytes":%d,"errors":%d,"p50_us":%d,"p99_us":%d,"p999_us":%d}\n',
    summary.requests, summary.duration / 1e6, summary.requests * length,
    wrong_total + errors.connect + errors.read + errors.write + errors.timeout,
    latency:percentile(50), latency:percentile(99), latency:percentile(99.9)))
end
