import { afterEach, describe, expect, test, vi } from "vitest";
import { Wishes } from "../src/wishes";
import { clientOf, item, json, list } from "./fakes";

const LATER = "2026-01-02T00:00:00Z";

/** The list `birthday` stands open, with these items. */
async function open(items = [item("1")], ...answers: (Response | Error)[]) {
  const birthday = list("birthday", { items_count: items.length });
  const { client, asked } = clientOf(json(200, [birthday]), json(200, items), ...answers);
  const wishes = new Wishes(client);
  await wishes.loadLists();
  await wishes.show("birthday");
  asked.length = 0;
  return { wishes, asked };
}

const titles = (wishes: Wishes): (string | null)[] => wishes.items.value.map(({ title }) => title);

afterEach(() => vi.unstubAllGlobals());

describe("lists", () => {
  test("stand in the order in which they were made", async () => {
    const { client } = clientOf(json(200, [list("b", { created_at: LATER }), list("a")]));
    const wishes = new Wishes(client);
    expect(wishes.listsLoaded.value).toBe(false);
    await wishes.loadLists();
    expect([wishes.listsLoaded.value, wishes.lists.value.map(({ id }) => id)]).toEqual([true, ["a", "b"]]);
  });

  test("are created, renamed and deleted", async () => {
    const created = list("home");
    const renamed = { ...created, name: "New home", updated_at: LATER };
    const { client, asked } = clientOf(json(201, created), json(200, renamed), new Response(null, { status: 204 }));
    const wishes = new Wishes(client);
    expect((await wishes.createList("Home")).id).toBe("home");
    await wishes.renameList("home", "New home");
    expect(wishes.lists.value.map(({ name }) => name)).toEqual(["New home"]);
    await wishes.deleteList("home");
    expect(wishes.lists.value).toEqual([]);
    expect(asked.map(({ method, path, body }) => [method, path, body])).toEqual([
      ["POST", "/api/v1/wishlists", { name: "Home" }],
      ["PATCH", "/api/v1/wishlists/home", { name: "New home" }],
      ["DELETE", "/api/v1/wishlists/home", null],
    ]);
  });

  test("that another device has deleted already are gone", async () => {
    const { wishes } = await open([], json(404, { detail: "no such list" }));
    await wishes.deleteList("birthday");
    expect(wishes.lists.value).toEqual([]);
  });

  test("that are not there are no problem of their own", async () => {
    const { wishes } = await open([], json(404, { detail: "no such wishlist" }));
    await wishes.show("nowhere");
    expect([wishes.openId.value, wishes.open.value, titles(wishes)]).toEqual(["nowhere", null, []]);
  });

  test("that could not be deleted stay", async () => {
    const { wishes } = await open([], json(503, {}));
    await expect(wishes.deleteList("birthday")).rejects.toMatchObject({ kind: "server" });
    expect(wishes.open.value?.id).toBe("birthday");
  });
});

describe("items", () => {
  test("stand with the newest first", async () => {
    const { wishes } = await open([item("old"), item("new", { created_at: LATER })]);
    expect(titles(wishes)).toEqual(["Item new", "Item old"]);
  });

  test("are added and counted", async () => {
    const { wishes, asked } = await open([], json(201, item("1", { status: "pending" })));
    await wishes.addItem(" https://shop.example/kettle ");
    expect(asked[0]).toMatchObject({
      path: "/api/v1/wishlists/birthday/items",
      body: { source_url: "https://shop.example/kettle" },
    });
    expect([titles(wishes), wishes.open.value?.items_count]).toEqual([["Item 1"], 1]);
  });

  test("are deleted and counted", async () => {
    const { wishes } = await open([item("1"), item("2")], new Response(null, { status: 204 }));
    await wishes.deleteItem("1");
    expect([titles(wishes), wishes.open.value?.items_count]).toEqual([["Item 2"], 1]);
  });

  test("of a list that was left are not shown in the next", async () => {
    const { wishes } = await open([item("1")], json(200, [item("2")]), json(200, []));
    await Promise.all([wishes.show("home"), wishes.show("garden")]);
    expect([wishes.openId.value, titles(wishes)]).toEqual(["garden", []]);
  });
});

describe("an event", () => {
  test("shows a resolved item and tells of it", async () => {
    const { wishes } = await open([item("1", { title: null, status: "pending" })]);
    const resolved = item("1", { title: "A red kettle", status: "resolved", updated_at: LATER });
    wishes.hear("items:resolved", resolved);
    expect(wishes.items.value).toEqual([resolved]);
    expect(wishes.news.value).toBe("A red kettle has been added.");
  });

  test("tells of an address that could not be read", async () => {
    const { wishes } = await open([item("1", { status: "pending" })]);
    wishes.hear("items:resolved", item("1", { status: "failed", updated_at: LATER }));
    expect(wishes.news.value).toBe("An address could not be read.");
  });

  test("that comes twice, or late, changes nothing", async () => {
    const { wishes } = await open([item("1", { title: "Newer", updated_at: LATER })]);
    wishes.hear("items:updated", item("1", { title: "Older" }));
    wishes.hear("items:updated", item("1", { title: "Newer", updated_at: LATER }));
    expect(titles(wishes)).toEqual(["Newer"]);
  });

  test("before the answer to the request that caused it makes no second item", async () => {
    const { wishes } = await open([], json(201, item("1", { status: "pending" })));
    const added = wishes.addItem("https://shop.example/kettle");
    wishes.hear("items:resolved", item("1", { status: "resolved", updated_at: LATER }));
    await added;
    expect(wishes.items.value.map(({ status }) => status)).toEqual(["resolved"]);
  });

  test("takes away what was deleted elsewhere", async () => {
    const { wishes } = await open([item("1"), item("2")]);
    wishes.hear("items:updated", { id: "1", wishlist_id: "birthday", deleted: true });
    expect([titles(wishes), wishes.open.value?.items_count]).toEqual([["Item 2"], 1]);
    wishes.hear("wishlists:updated", { id: "birthday", deleted: true });
    expect(wishes.open.value).toBeNull();
  });

  test("shows a list that was made or renamed elsewhere", async () => {
    const { wishes } = await open();
    wishes.hear("wishlists:updated", list("home", { created_at: LATER }));
    wishes.hear("wishlists:updated", list("birthday", { name: "Forty!", updated_at: LATER, items_count: 1 }));
    expect(wishes.lists.value.map(({ name }) => name)).toEqual(["Forty!", "List home"]);
  });

  test("of another list has the lists counted again, once for many", async () => {
    const { wishes, asked } = await open([], json(200, [list("birthday"), list("home", { items_count: 2 })]));
    wishes.hear("items:updated", item("8", { wishlist_id: "home" }));
    wishes.hear("items:updated", item("9", { wishlist_id: "home" }));
    await vi.waitUntil(() => wishes.lists.value.length === 2, { timeout: 20_000 });
    expect(wishes.lists.value.map(({ items_count }) => items_count)).toEqual([0, 2]);
    expect([asked.length, titles(wishes)]).toEqual([1, []]);
  });
});

test("a second look forgets what is gone and keeps what is newer", async () => {
  const { wishes } = await open(
    [item("1"), item("2", { title: "Newer", updated_at: LATER })],
    json(200, [item("2", { title: "Older" }), item("3")]),
  );
  await wishes.show("birthday");
  expect(titles(wishes).sort()).toEqual(["Item 3", "Newer"]);
});
