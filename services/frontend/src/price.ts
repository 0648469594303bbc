/** A price as people write it here, or nothing when there is none. */
export function priceOf(price: string | null, currency: string | null, locale?: string): string {
  const amount = Number(price);
  if (!price || Number.isNaN(amount)) return "";
  if (!currency || !/^[A-Z]{3}$/.test(currency)) return new Intl.NumberFormat(locale).format(amount);
  return new Intl.NumberFormat(locale, { style: "currency", currency }).format(amount);
}
