import { computed, ref, shallowRef } from "vue";
import type { Client } from "./api/client";
import { Problem } from "./api/problem";
import type { Deleted, Item, Wishlist } from "./api/types";
import { itemFrom } from "./address";
import type { EventName } from "./live";

type Dated = { id: string; updated_at: string };

/** The person's lists and the items of the one that is open, as far as this page knows them. */
export class Wishes {
  readonly #lists = ref(new Map<string, Wishlist>());
  readonly #items = ref(new Map<string, Item>());
  #reloading: Promise<void> | null = null;

  readonly openId = shallowRef<string | null>(null);
  readonly listsLoaded = shallowRef(false);
  readonly itemsLoaded = shallowRef(false);
  /** What a person who does not see the page change should be told. */
  readonly news = shallowRef("");

  readonly lists = computed(() => [...this.#lists.value.values()].sort(oldestFirst));
  readonly items = computed(() => [...this.#items.value.values()].sort(oldestFirst).reverse());
  readonly open = computed(() => this.#lists.value.get(this.openId.value ?? "") ?? null);

  constructor(private readonly client: Client) {}

  async loadLists(): Promise<void> {
    replace(this.#lists.value, await this.client.request<Wishlist[]>("GET", "/api/v1/wishlists"));
    this.listsLoaded.value = true;
  }

  /** Look at a list, or at none; a second look at the same one brings it up to date. */
  async show(id: string | null): Promise<void> {
    if (this.openId.value !== id) {
      this.openId.value = id;
      this.itemsLoaded.value = false;
      this.#items.value.clear();
    }
    if (!id) return;
    const items = await this.client
      .request<Item[]>("GET", `/api/v1/wishlists/${id}/items`)
      .catch(unlessGone);
    if (this.openId.value !== id) return;
    replace(this.#items.value, items ?? []);
    this.itemsLoaded.value = true;
    this.#count();
  }

  async createList(name: string): Promise<Wishlist> {
    const list = await this.client.request<Wishlist>("POST", "/api/v1/wishlists", { name });
    keep(this.#lists.value, list);
    return list;
  }

  async renameList(id: string, name: string): Promise<void> {
    keep(this.#lists.value, await this.client.request<Wishlist>("PATCH", `/api/v1/wishlists/${id}`, { name }));
  }

  async deleteList(id: string): Promise<void> {
    await this.#delete(`/api/v1/wishlists/${id}`);
    this.#lists.value.delete(id);
  }

  /** `text` is what was typed or pasted: the name of a thing or the address of its page. */
  async addItem(text: string): Promise<void> {
    const id = this.openId.value;
    this.#keepItem(await this.client.request<Item>("POST", `/api/v1/wishlists/${id}/items`, itemFrom(text)));
  }

  async deleteItem(id: string): Promise<void> {
    await this.#delete(`/api/v1/items/${id}`);
    this.#items.value.delete(id);
    this.#count();
  }

  /** Take in an event of the stream. */
  hear(name: EventName, data: unknown): void {
    if (name === "wishlists:updated") this.#hearList(data as Wishlist | Deleted);
    else this.#hearItem(name, data as Item | Deleted);
  }

  #hearList(data: Wishlist | Deleted): void {
    if ("deleted" in data) this.#lists.value.delete(data.id);
    else keep(this.#lists.value, data);
  }

  #hearItem(name: EventName, data: Item | Deleted): void {
    if (data.wishlist_id !== this.openId.value) {
      // An event says nothing of how many items its list has.
      this.#reloading ??= this.loadLists()
        .catch(() => undefined)
        .finally(() => {
          this.#reloading = null;
        });
    } else if ("deleted" in data) {
      this.#items.value.delete(data.id);
      this.#count();
    } else {
      this.#keepItem(data);
      if (name === "items:resolved") this.news.value = toldOf(data);
    }
  }

  #keepItem(item: Item): void {
    if (item.wishlist_id !== this.openId.value) return;
    keep(this.#items.value, item);
    this.#count();
  }

  #count(): void {
    if (this.open.value && this.itemsLoaded.value) this.open.value.items_count = this.#items.value.size;
  }

  /** Gone already is as good as deleted now. */
  async #delete(path: string): Promise<void> {
    await this.client.request("DELETE", path).catch(unlessGone);
  }
}

/** An event that comes late, or twice, never undoes what is newer. */
function keep<T extends Dated>(all: Map<string, T>, one: T): void {
  const known = all.get(one.id);
  if (!known || Date.parse(one.updated_at) >= Date.parse(known.updated_at)) all.set(one.id, one);
}

function replace<T extends Dated>(all: Map<string, T>, loaded: T[]): void {
  const ids = new Set(loaded.map(({ id }) => id));
  for (const id of all.keys()) if (!ids.has(id)) all.delete(id);
  for (const one of loaded) keep(all, one);
}

function oldestFirst(one: { created_at: string }, other: { created_at: string }): number {
  return Date.parse(one.created_at) - Date.parse(other.created_at);
}

/** What somebody else has deleted is no problem: the page just shows that it is not there. */
function unlessGone(problem: unknown): undefined {
  if (!(problem instanceof Problem && problem.kind === "gone")) throw problem;
}

function toldOf(item: Item): string {
  return item.status === "failed"
    ? "An address could not be read."
    : `${item.title ?? "An item"} has been added.`;
}
