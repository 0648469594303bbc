import { unreachable } from "./api/problem";

/** The API's origin, as the server that this page came from was told at its start. */
export async function apiAddress(): Promise<string> {
  const answer = await fetch("/config.json", { cache: "no-cache" }).catch(() => null);
  if (!answer?.ok) throw unreachable(navigator.onLine);
  return ((await answer.json()) as { api_url: string }).api_url;
}
