import { shallowRef } from "vue";
import type { Tokens } from "./api/types";

const KEY = "wishwithme.tokens";

/**
 * Who is signed in, in every tab of this browser.
 *
 * The tokens stand in localStorage: the API is another origin and takes bearer tokens only, and the
 * stream of events takes one in its address, so a cookie that scripts cannot read would be of no use.
 * What protects them is that no foreign script runs here (see the policy in nginx.conf).
 */
export class Session {
  readonly tokens = shallowRef<Tokens | null>(null);
  /** It ended by itself, so the person should be told. */
  readonly expired = shallowRef(false);

  constructor(private readonly storage: Storage) {
    this.reread();
  }

  /** Take over what another tab has stored in the meantime. */
  reread(): void {
    const stored = this.storage.getItem(KEY);
    this.tokens.value = stored ? (JSON.parse(stored) as Tokens) : null;
  }

  begin({ access_token, refresh_token }: Tokens): void {
    this.storage.setItem(KEY, JSON.stringify({ access_token, refresh_token }));
    this.expired.value = false;
    this.reread();
  }

  end(expired = false): void {
    this.storage.removeItem(KEY);
    this.expired.value = expired;
    this.reread();
  }
}
