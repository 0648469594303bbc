import type { Session } from "../session";
import { Problem, expired, refusal, unreachable } from "./problem";
import type { Tokens } from "./types";

type Method = "GET" | "POST" | "PATCH" | "DELETE";

/** Longer than any answer takes: reading a shop's page happens behind it and is told by an event. */
const DEADLINE = 30_000;

/** Asks the API, as the person who is signed in. Whatever goes wrong is thrown as a Problem. */
export class Client {
  #renewal: Promise<void> | null = null;

  constructor(
    readonly base: string,
    readonly session: Session,
  ) {}

  /** Start a session: `path` is that of a sign-in or a registration. */
  async enter(path: string, body: object): Promise<void> {
    const answer = await this.#send("POST", path, body);
    if (!answer.ok) throw await refusal(answer);
    this.session.begin((await answer.json()) as Tokens);
  }

  /** End the session. It is over here at once, also when the API cannot be told. */
  async leave(): Promise<void> {
    const { refresh_token } = this.#tokens();
    this.session.end();
    await this.#send("POST", "/api/v1/auth/logout", { refresh_token }).catch(() => undefined);
  }

  /** An access token that is refused is renewed once, and the request is made again. */
  async request<T>(method: Method, path: string, body?: object): Promise<T> {
    const tokens = this.#tokens();
    let answer = await this.#send(method, path, body, tokens.access_token);
    if (answer.status === 401) {
      await this.#renew(tokens);
      answer = await this.#send(method, path, body, this.#tokens().access_token);
      if (answer.status === 401) throw this.#expire();
    }
    if (!answer.ok) throw await refusal(answer);
    return (answer.status === 204 ? undefined : await answer.json()) as T;
  }

  #tokens(): Tokens {
    const tokens = this.session.tokens.value;
    if (!tokens) throw expired();
    return tokens;
  }

  /** A refresh token works once, so all requests that wait for new tokens share one renewal. */
  #renew(refused: Tokens): Promise<void> {
    this.#renewal ??= alone(() => this.#exchange(refused)).finally(() => {
      this.#renewal = null;
    });
    return this.#renewal;
  }

  async #exchange(refused: Tokens): Promise<void> {
    this.session.reread();
    const { access_token, refresh_token } = this.#tokens();
    if (access_token !== refused.access_token) return;
    const answer = await this.#send("POST", "/api/v1/auth/refresh", { refresh_token });
    if (answer.ok) this.session.begin((await answer.json()) as Tokens);
    else if (answer.status === 401 || answer.status === 422) throw this.#expire();
    else throw await refusal(answer);
  }

  #expire(): Problem {
    this.session.end(true);
    return expired();
  }

  async #send(method: Method, path: string, body?: object, token?: string): Promise<Response> {
    const headers: Record<string, string> = { Accept: "application/json" };
    if (body) headers["Content-Type"] = "application/json";
    if (token) headers.Authorization = `Bearer ${token}`;
    try {
      return await fetch(this.base + path, {
        method,
        headers,
        body: body && JSON.stringify(body),
        cache: "no-store",
        signal: AbortSignal.timeout(DEADLINE),
      });
    } catch {
      throw unreachable(navigator.onLine);
    }
  }
}

/** One tab at a time; browsers offer locks only to pages that came over TLS or from this machine. */
function alone<T>(work: () => Promise<T>): Promise<T> {
  return navigator.locks ? navigator.locks.request("wishwithme.renewal", work) as Promise<T> : work();
}
