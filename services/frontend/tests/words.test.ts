import { expect, test } from "vitest";
import { hostOf, itemFrom, webAddress } from "../src/address";
import { priceOf } from "../src/price";

test.each([
  ["https://shop.example/kettle?x=1", "https://shop.example/kettle?x=1"],
  ["  HTTP://shop.example ", "HTTP://shop.example"],
  ["shop.example/kettle", "https://shop.example/kettle"],
  ["www.shop.example", "https://www.shop.example"],
])("%j is an address", (text, source_url) => {
  expect(itemFrom(text)).toEqual({ source_url });
});

test.each(["A red kettle", "Mr. Fox", "https://two words", "and/or", "javascript:alert(1)", "size 4.5/5", "Version 2.0"])(
  "%j is a title",
  (title) => {
    expect(itemFrom(title)).toEqual({ title });
  },
);

test("an address is shown as its host", () => {
  expect(hostOf("https://www.shop.example:8443/kettle")).toBe("shop.example:8443");
  expect(hostOf("not an address")).toBe("not an address");
});

test("only addresses of pages become links", () => {
  expect(webAddress("https://shop.example/")).toBe("https://shop.example/");
  expect(webAddress("javascript:alert(1)")).toBeUndefined();
  expect(webAddress(null)).toBeUndefined();
});

test.each([
  ["1234.5", "EUR", "€1,234.50"],
  ["990", "JPY", "¥990"],
  ["12.50", null, "12.5"],
  ["12.50", "gold", "12.5"],
  [null, "EUR", ""],
  ["cheap", "EUR", ""],
])("the price %s in %s is written %j", (price, currency, written) => {
  expect(priceOf(price, currency, "en")).toBe(written);
});
