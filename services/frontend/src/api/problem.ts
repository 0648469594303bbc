/** What can go wrong with a request, with a sentence for the person at the screen. */

export type Kind = "unreachable" | "limited" | "server" | "expired" | "gone" | "refused";

export class Problem extends Error {
  readonly kind: Kind;

  constructor(kind: Kind, message: string) {
    super(message);
    this.name = "Problem";
    this.kind = kind;
  }
}

export function expired(): Problem {
  return new Problem("expired", "Your session has expired. Please sign in again.");
}

/** The request got no answer at all. */
export function unreachable(online: boolean): Problem {
  const message = online
    ? "Wish With Me cannot be reached. Please try again in a moment."
    : "You are offline. Connect to the Internet and try again.";
  return new Problem("unreachable", message);
}

/** The request was answered, but not with success. */
export async function refusal(answer: Response): Promise<Problem> {
  if (answer.status === 429) return new Problem("limited", `Too many requests. Please ${again(answer)}.`);
  if (answer.status >= 500) {
    return new Problem("server", `Something went wrong on our side. Please ${again(answer)}.`);
  }
  if (answer.status === 404) return new Problem("gone", "This is not here any more.");
  return new Problem("refused", (await detail(answer)) ?? "This did not work. Please check what you entered.");
}

function again(answer: Response): string {
  const seconds = retryAfter(answer.headers.get("Retry-After"));
  if (!seconds) return "try again in a moment";
  if (seconds < 90) return `try again in ${seconds} ${seconds === 1 ? "second" : "seconds"}`;
  return `try again in ${Math.ceil(seconds / 60)} minutes`;
}

/** Retry-After is a number of seconds or a date; null when it is neither. */
function retryAfter(value: string | null): number | null {
  if (!value) return null;
  const seconds = /^\d+$/.test(value) ? Number(value) : (Date.parse(value) - Date.now()) / 1000;
  return Number.isNaN(seconds) ? null : Math.max(0, Math.ceil(seconds));
}

/** `detail` is a sentence, or a list of what is wrong with each field. */
async function detail(answer: Response): Promise<string | null> {
  const body: unknown = await answer.json().catch(() => null);
  const found = (body as { detail?: unknown } | null)?.detail;
  if (typeof found === "string") return sentence(found);
  if (Array.isArray(found) && typeof found[0]?.msg === "string") {
    const field = found[0].loc?.at(-1);
    return sentence(typeof field === "string" ? `${field}: ${found[0].msg}` : found[0].msg);
  }
  return null;
}

function sentence(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1) + (/[.!?]$/.test(text) ? "" : ".");
}
