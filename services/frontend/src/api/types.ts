/** What the API answers, field by field as it names them. */

export interface Tokens {
  access_token: string;
  refresh_token: string;
}

export interface User {
  id: string;
  email: string;
  name: string;
}

export interface Wishlist {
  id: string;
  name: string;
  created_at: string;
  updated_at: string;
  items_count: number;
}

export interface Item {
  id: string;
  wishlist_id: string;
  title: string | null;
  source_url: string | null;
  image_url: string | null;
  /** A decimal number as text. */
  price: string | null;
  /** ISO 4217. */
  currency: string | null;
  /** Typed by hand, its address being read, read, or not readable. */
  status: "ready" | "pending" | "resolved" | "failed";
  created_at: string;
  updated_at: string;
}

/** What an event says of something that is gone. */
export interface Deleted {
  id: string;
  wishlist_id?: string;
  deleted: true;
}
