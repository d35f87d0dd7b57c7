/** A request that is answered with an error. `code` is part of the API. */
export class HttpError extends Error {
  override readonly name = "HttpError";
  readonly status: number;
  readonly code: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Of the request's body, what is at fault. */
  readonly field: string | undefined;

  constructor(
    status: number,
    code: string,
    message: string,
    headers: Readonly<Record<string, string>> = {},
    field?: string,
  ) {
    super(message);
    this.status = status;
    this.code = code;
    this.headers = headers;
    this.field = field;
  }
}

export function errorResponse({ status, code, message, headers, field }: HttpError): Response {
  return Response.json({ error: { code, message, ...(field !== undefined && { field }) } }, { status, headers });
}
