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

/** Tells the service worker what this build is: nothing else may become the page's shell. */
const shell: Plugin = {
  name: "shell",
  apply: "build",
  generateBundle: {
    order: "post",
    async handler(_, bundle) {
      const files: Record<string, string> = {};
      const worker = bundle["sw.js"];
      for (const [name, file] of Object.entries(bundle)) {
        if (file !== worker) files[`/${name}`] = await checksum(file.type === "chunk" ? file.code : file.source);
      }
      if (worker?.type !== "chunk" || !worker.code.includes("__FILES__")) throw new Error("sw.js has no place for them");
      worker.code = worker.code.replace("__FILES__", JSON.stringify(files));
    },
  },
};

/** As the browser compares it with what it fetched. */
async function checksum(content: string | Uint8Array): Promise<string> {
  const bytes = typeof content === "string" ? new TextEncoder().encode(content) : new Uint8Array(content);
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return `sha256-${btoa(String.fromCharCode(...digest))}`;
}

export default defineConfig({
  plugins: [vue({ features: { optionsAPI: false } }), developmentSettings, shell],
  build: {
    // Nothing inline: the page's Content-Security-Policy allows only files.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rollupOptions: {
      input: ["index.html", "src/sw.js"],
      // The browser looks for a newer worker under the same name.
      output: { entryFileNames: ({ name }) => (name === "sw" ? "sw.js" : "assets/[name]-[hash].js") },
    },
  },
  // One process for all: the tests are small, and a busy machine is not a failure.
  test: { pool: "threads", isolate: false, poolOptions: { threads: { singleThread: true } }, testTimeout: 30_000 },
});
