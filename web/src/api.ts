/** The HTTP API, as `GET /openapi.json` describes it. Everything it throws is a `Failure`. */

import { fields, list, number, text, Unexpected } from "./checks";
import type { Detection } from "./detection/boxes";
import { Failure, networkFailure, replyFailure } from "./failures";
import { LOWEST_SCORE, MAX_DETECTIONS, NAME_CHARACTERS, REQUEST_MILLISECONDS } from "./limits";

/** Who signs the requests. */
export interface Signer {
  accessToken(): Promise<string>;
  forget(): void;
}

export interface Answer {
  readonly detections: readonly Detection[];
  /** From sending to the answer's last byte. */
  readonly milliseconds: number;
  /** The model's version, where the service tells it. */
  readonly version: string | null;
}

/** The names of a task's classes, in the version that the service runs. */
export interface Labels {
  readonly version: string;
  readonly names: readonly string[];
}

export interface ModelFile {
  readonly name: string;
  readonly url: string;
  /** 64 hexadecimal digits. */
  readonly sha256: string;
  readonly size: number;
}

export class Api {
  constructor(
    private readonly url: string,
    private readonly signer: Signer,
    private readonly fetching: typeof fetch = (...request) => fetch(...request),
    private readonly online: () => boolean = () => navigator.onLine,
  ) {}

  /** What the service finds in a JPEG, given as base64; `name` is kept beside the picture and means nothing else. */
  async detect(task: string, name: string, file: string): Promise<Answer> {
    const query = new URLSearchParams({
      task,
      min_score: String(LOWEST_SCORE),
      max_detections: String(MAX_DETECTIONS),
    });
    const started = performance.now();
    const { body, headers } = await this.#call(`/detections?${query}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ name: name.slice(0, NAME_CHARACTERS), file }),
    });
    return {
      milliseconds: performance.now() - started,
      detections: understood(() => parseDetections(body)),
      version: headers.get("x-model-version"),
    };
  }

  async labels(task: string): Promise<Labels> {
    const { body } = await this.#call(`/labels/${encodeURIComponent(task)}`);
    return understood(() => {
      const answer = fields(body, "answer");
      const names = list(answer["labels"], "labels").map((label) => text(label, "label"));
      return { version: String(number(answer["version"], "version")), names };
    });
  }

  async latestVersion(task: string): Promise<number> {
    const { body } = await this.#call(`/models/${encodeURIComponent(task)}/latest`);
    return understood(() => number(fields(body, "answer")["version"], "version"));
  }

  /** A version's files, each with an address that is good for minutes. */
  async modelFiles(task: string, version: number): Promise<readonly ModelFile[]> {
    const { body } = await this.#call(`/models/${encodeURIComponent(task)}/${version}/download`);
    return understood(() => list(fields(body, "answer")["files"], "files").map(parseFile));
  }

  async #call(path: string, request: RequestInit = {}): Promise<{ body: unknown; headers: Headers }> {
    const headers = new Headers(request.headers);
    headers.set("authorization", `Bearer ${await this.signer.accessToken()}`);
    let reply: Response;
    let body: unknown;
    try {
      const signal = AbortSignal.timeout(REQUEST_MILLISECONDS);
      reply = await this.fetching(`${this.url}${path}`, { ...request, headers, signal });
      body = parsed(await reply.text());
    } catch (error) {
      throw networkFailure(error, this.online());
    }
    if (reply.status === 401) {
      this.signer.forget();
    }
    if (!reply.ok) {
      throw replyFailure(reply.status, reply.headers, body);
    }
    return { body, headers: reply.headers };
  }
}

/** `[{"prediction": [[class, score, xmin, ymin, xmax, ymax], ...]}]`. Throws `Unexpected`. */
export function parseDetections(body: unknown): Detection[] {
  const [first] = list(body, "answer");
  const rows = list(fields(first, "answer[0]")["prediction"], "prediction");
  return rows.map((row, index) => {
    const values = list(row, `prediction[${index}]`).map((value) => number(value, `prediction[${index}]`));
    const [label, score, xmin, ymin, xmax, ymax] = values;
    if (
      label === undefined ||
      score === undefined ||
      xmin === undefined ||
      ymin === undefined ||
      xmax === undefined ||
      ymax === undefined
    ) {
      throw new Unexpected(`prediction[${index}] has ${values.length} numbers, not 6`);
    }
    return { label, score, xmin, ymin, xmax, ymax };
  });
}

function parseFile(value: unknown): ModelFile {
  const file = fields(value, "file");
  return {
    name: text(file["name"], "file.name"),
    url: text(file["url"], "file.url"),
    sha256: text(file["sha256"], "file.sha256"),
    size: number(file["size"], "file.size"),
  };
}

function understood<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw new Failure("unexpected", { cause: error });
  }
}

function parsed(answer: string): unknown {
  try {
    return JSON.parse(answer);
  } catch {
    return null; // not JSON: an error page of something in between; its status says enough
  }
}
