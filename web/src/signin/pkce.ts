/** Proof Key for Code Exchange (RFC 7636): only who asked for the code can trade it in. */

import { toBase64Url } from "../base64";

/** 32 random bytes as 43 characters: a verifier, or a state. */
export function randomText(): string {
  return toBase64Url(crypto.getRandomValues(new Uint8Array(32)));
}

/** The challenge of method S256. */
export async function challengeOf(verifier: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(verifier));
  return toBase64Url(new Uint8Array(digest));
}
