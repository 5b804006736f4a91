import { defineConfig } from "vite";

export default defineConfig({
  // Wherever the folder is served, and below whatever path.
  base: "./",
  build: {
    target: "es2022",
    // Nothing becomes a data: address: the page's security policy allows pictures that way, and nothing else.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  // LiteRT.js loads its glue by importScripts, which only classic workers have.
  worker: { format: "iife" },
});
