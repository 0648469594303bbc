import { readonly, ref, type Ref } from "vue";
import { Problem } from "./api/problem";

export interface Attempt {
  busy: Readonly<Ref<boolean>>;
  /** A sentence for the person, or nothing. */
  problem: Ref<string>;
  /** Do the work; tells whether it was done. */
  attempt: (work: () => Promise<void>) => Promise<boolean>;
}

/** Work on behalf of a person, who is told when it did not succeed. */
export function useAttempt(): Attempt {
  const busy = ref(false);
  const problem = ref("");

  async function attempt(work: () => Promise<void>): Promise<boolean> {
    busy.value = true;
    try {
      await work();
      problem.value = "";
      return true;
    } catch (thrown) {
      if (!(thrown instanceof Problem)) throw thrown;
      // An ended session is told where the person can sign in again.
      problem.value = thrown.kind === "expired" ? "" : thrown.message;
      return false;
    } finally {
      busy.value = false;
    }
  }

  return { busy: readonly(busy), problem, attempt };
}
