import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vite";

// Nothing inline: the page is served under a content security policy of 'self'.
export default defineConfig({
  plugins: [svelte()],
  build: { target: "es2022", assetsInlineLimit: 0, modulePreload: { polyfill: false }, reportCompressedSize: false },
  server: { proxy: { "/api": { target: process.env["CROSSBOOK_PAGE"] ?? "http://127.0.0.1:8000", ws: true } } },
});
