/** A request that is answered with an error. `code` is part of the API. */
export class HttpError extends Error {
  override readonly name = "HttpError";
  readonly status: number;
  readonly code: string;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, code: string, message: string, headers: Readonly<Record<string, string>> = {}) {
    super(message);
    this.status = status;
    this.code = code;
    this.headers = headers;
  }
}

export function errorResponse({ status, code, message, headers }: HttpError): Response {
  return Response.json({ error: { code, message } }, { status, headers });
}
