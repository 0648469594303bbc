/** Tells addresses from titles, and says an address in short. */

/** What to send for a new item: an address that was pasted, or else a title. */
export function itemFrom(text: string): { source_url: string } | { title: string } {
  const typed = text.trim();
  if (/^https?:\/\/\S+$/i.test(typed)) return { source_url: typed };
  // As browsers show it, without its scheme: shop.example/kettle, www.shop.example.
  if (/^(www\.[\w-]+(\.[\w-]+)+|[\w-]+(\.[\w-]+)*\.[a-z]{2,}\/)\S*$/i.test(typed)) {
    return { source_url: `https://${typed}` };
  }
  return { title: typed };
}

/** The host of an address, for people; the address itself when it has none. */
export function hostOf(address: string): string {
  return URL.canParse(address) ? new URL(address).host.replace(/^www\./, "") : address;
}

/** An address of a page, or nothing for what a browser should not open (javascript:, say). */
export function webAddress(address: string | null): string | undefined {
  return address && /^https?:\/\//i.test(address) ? address : undefined;
}
