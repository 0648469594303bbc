import vue from "@vitejs/plugin-vue";
import type { Plugin } from "vite";
import { defineConfig } from "vitest/config";

/** `npm run dev` answers /config.json as nginx does in the image, with the development stack's API. */
const developmentSettings: Plugin = {
  name: "development-settings",
  configureServer(server) {
    server.middlewares.use("/config.json", (_, response) => {
      response.setHeader("Content-Type", "application/json");
      response.end('{"api_url": "http://127.0.0.1:8000"}');
    });
  },
};

export default defineConfig({
  plugins: [vue({ features: { optionsAPI: false } }), developmentSettings],
  build: {
    // Nothing inline: the page's Content-Security-Policy allows only files.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  // One process for all: the tests are small, and a busy machine is not a failure.
  test: { pool: "threads", isolate: false, poolOptions: { threads: { singleThread: true } }, testTimeout: 30_000 },
});
