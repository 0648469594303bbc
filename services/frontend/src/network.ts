import { readonly, ref } from "vue";

const state = ref(navigator.onLine);
for (const name of ["online", "offline"]) {
  addEventListener(name, () => {
    state.value = navigator.onLine;
  });
}

/** Whether this device has a network; without one nothing can be sent, so nothing offers to. */
export const online = readonly(state);
