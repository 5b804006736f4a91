/** Starts the page: its settings, who is signed in, and the place See. */

import { Api } from "./api";
import { readConfig } from "./config";
import { failureOf } from "./failures";
import { block, button } from "./page/elements";
import { Notice } from "./page/notice";
import { See } from "./see";
import { Session } from "./signin/session";

async function start(): Promise<void> {
  let session: Session | null = null;
  const attempt = (what: (session: Session) => Promise<void>) => () => {
    if (session !== null) {
      what(session).catch((error: unknown) => notice.show(failureOf(error)));
    }
  };
  const signIn = attempt((now) => now.signIn());
  const notice = new Notice(signIn);
  button("sign-in").addEventListener("click", signIn);
  button("sign-out").addEventListener(
    "click",
    attempt((now) => now.signOut()),
  );

  try {
    const config = await readConfig();
    session = new Session(config.signIn, {
      storage: sessionStorage,
      fetching: (...request) => fetch(...request),
      now: Date.now,
      online: () => navigator.onLine,
      go: (url) => location.assign(url),
      home: new URL(".", location.href).href,
    });
    await comeBack(session, notice);
    const signedIn = session.signedIn;
    block("welcome").hidden = signedIn;
    block("workbench").hidden = !signedIn;
    button("sign-out").hidden = !signedIn;
    if (signedIn) {
      new See(config.tasks[0] ?? "", new Api(config.apiUrl, session), notice);
    }
  } catch (error) {
    notice.show(failureOf(error), () => location.reload());
  }
}

/** From the sign-in page, with a code or an error: neither stays in the address. */
async function comeBack(session: Session, notice: Notice): Promise<void> {
  const query = new URLSearchParams(location.search);
  if (query.size > 0) {
    history.replaceState(null, "", location.pathname);
  }
  try {
    await session.comeBack(query);
  } catch (error) {
    notice.show(failureOf(error));
  }
}

void start();
