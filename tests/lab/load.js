// People at many addresses, who never ask twice: pages, assets, lists, new items, and requests that take their time.
// Settings by environment: SITE and API (names), HOSTS (name to address), TOKEN, WISHLISTS, RUN (how its items are called), RATE (requests a
// second; 0: none), DURATION, SLOW (whether the API knows slow requests), RESOLVER (its address; empty: the main
// application), ASKERS (people who keep one connection and ask over it every EVERY seconds; 0: none).
import http from "k6/http";
import exec from "k6/execution";
import { check, sleep } from "k6";

// How long a connection rests between two requests: within keepalive_min_timeout (10 s) of a load its worker still
// takes one, whichever load it is of.
const EVERY = [3, 6, 9];

function people() {
  if (!Number(__ENV.RATE)) return {};
  const rate = { rate: Number(__ENV.RATE), timeUnit: "1s", duration: __ENV.DURATION };
  return { people: { executor: "constant-arrival-rate", ...rate, preAllocatedVUs: 60, maxVUs: 240 } };
}

function askers() {
  if (!Number(__ENV.ASKERS)) return {};
  const kept = (every) => ({
    executor: "constant-vus",
    vus: Number(__ENV.ASKERS),
    duration: __ENV.DURATION,
    gracefulStop: "1s",
    exec: "ask",
    env: { EVERY: String(every) },
  });
  return Object.fromEntries(EVERY.map((every) => [`every_${every}_s`, kept(every)]));
}

export const options = {
  insecureSkipTLSVerify: true,
  discardResponseBodies: false,
  hosts: JSON.parse(__ENV.HOSTS),
  scenarios: Object.assign(people(), askers()),
  thresholds: {
    http_req_failed: ["rate==0"],
    checks: ["rate==1"],
  },
  summaryTrendStats: ["med", "p(99)", "max"],
};

const site = `https://${__ENV.SITE}`;
const api = `https://${__ENV.API}`;
const wishlists = __ENV.WISHLISTS.split(",");
const own = { headers: { Authorization: `Bearer ${__ENV.TOKEN}`, "Content-Type": "application/json" }, timeout: "40s" };

// What k6 itself gives up when it is told to stop is nobody's failure.
const STOPPED = 1000;

function is(answer, status) {
  if (answer.error_code === STOPPED && answer.error.includes("context canceled")) return;
  if (!check(answer, { "is what was asked for": (one) => one.status === status && one.body.length > 0 })) {
    console.error(`${answer.request.method} ${answer.url} ${answer.status} ${answer.error_code} ${answer.error} ${String(answer.body).slice(0, 80)}`);
  }
}

export default function () {
  const number = exec.scenario.iterationInTest;
  const kind = number % 100;
  const wishlist = wishlists[number % wishlists.length];
  if (__ENV.RESOLVER) {
    is(http.get(`https://${__ENV.RESOLVER}:8001/healthz`, own), 200);
  } else if (kind < 40) {
    const item = JSON.stringify({ title: `${__ENV.RUN} ${number}` });
    is(http.post(`${api}/api/v1/wishlists/${wishlist}/items`, item, own), 201);
  } else if (kind < 43 && __ENV.SLOW) {
    is(http.get(`${api}/api/v1/slowly/${5 + (number % 6)}`, own), 200);
  } else if (kind < 70) {
    is(http.get(`${site}/`, { timeout: "40s" }), 200);
  } else {
    is(http.get(`${api}/api/v1/wishlists/${wishlist}`, own), 200);
  }
}

export function ask() {
  const url = __ENV.RESOLVER ? `https://${__ENV.RESOLVER}:8001/healthz` : `${api}/live`;
  is(http.get(url, own), 200);
  // Nobody asks in step with the others.
  sleep(Number(__ENV.EVERY) - 0.5 + Math.random());
}
