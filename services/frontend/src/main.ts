import { createApp } from "vue";
import App from "./App.vue";
import { Client } from "./api/client";
import { Problem } from "./api/problem";
import { Session } from "./session";
import { apiAddress } from "./settings";

async function start(): Promise<void> {
  try {
    const client = new Client(await apiAddress(), new Session(localStorage));
    createApp(App, { client }).mount("#app");
  } catch (problem) {
    const status = document.getElementById("starting");
    if (status) status.textContent = problem instanceof Problem ? problem.message : "This page cannot start.";
    addEventListener("online", () => location.reload(), { once: true });
    throw problem;
  }
}

void start();
if (import.meta.env.PROD && "serviceWorker" in navigator) void navigator.serviceWorker.register("/sw.js");
