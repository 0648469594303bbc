import { onUnmounted, ref, type Ref } from "vue";

const LIST = /^#\/lists\/([\w-]+)$/;

/** The list that the address names, also when the person goes back; writing it goes there. */
export function addressOfList(id: string): string {
  return `#/lists/${id}`;
}

/** The id of the list that the address names, or null; it follows the address. */
export function useOpenList(): Ref<string | null> {
  const read = (): string | null => LIST.exec(location.hash)?.[1] ?? null;
  const open = ref(read());
  const follow = (): void => {
    open.value = read();
  };
  addEventListener("hashchange", follow);
  onUnmounted(() => removeEventListener("hashchange", follow));
  return open;
}
