import type { CommandResult, RefusalCode } from "../boundary.ts";
import { HttpError } from "./errors.ts";

const STATUS: Readonly<Record<RefusalCode, number>> = {
  unknown: 404,
  invalid: 400,
  conflict: 409,
  unsupported: 409,
  forbidden: 403,
};

/** 200 for a command that was carried out. @throws {HttpError} with the refusal's code, reason and field */
export function commandResponse(result: CommandResult): Response {
  if (result.status === "done") return Response.json({ status: "done" });
  throw new HttpError(STATUS[result.code], result.code, result.why, {}, result.field);
}
