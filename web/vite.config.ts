import { readFileSync } from "node:fs";
import { defineConfig, type Plugin } from "vite";

const NOTICE = `Edgetrain's web app, and what it hands on: LiteRT.js (@litertjs/core and @litertjs/wasm-utils, with their WebAssembly),
Copyright Google LLC. All of it is licensed under the Apache License, Version 2.0, below.

`;

/** Whoever gets the bundle gets the licence of what is in it. */
function licences(): Plugin {
  return {
    name: "licences",
    generateBundle() {
      const source = NOTICE + readFileSync(new URL("../LICENSE", import.meta.url), "utf8");
      this.emitFile({ type: "asset", fileName: "licences.txt", source });
    },
  };
}

export default defineConfig({
  plugins: [licences()],
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
