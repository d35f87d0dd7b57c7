import type { Context } from "hono";
import type { Profile } from "../profile.ts";
import { BOOK_NAME } from "../profiles/book.ts";
import type { StoredProfile } from "../profiles/document.ts";
import type { Finding } from "../profiles/findings.ts";
import { knowledgeTokensOf, MAX_KNOWLEDGE_BYTES, MAX_KNOWLEDGE_FILES } from "../profiles/knowledge.ts";
import { DEFAULT_NAME } from "../profiles/name.ts";
import { bucketKnowledge, type KnowledgeStore, knowledgeKey } from "../profiles/shelf.ts";
import { estimatedTokens } from "../profiles/tokens.ts";
import { textFault } from "../schemas.ts";
import { type KnowledgeBucket, knowledgeBucket } from "../sinks.ts";
import { HttpError } from "./errors.ts";
import { askObject, MAX_ATTEMPTS } from "./objects.ts";
import { decodeUtf8, readBody, requireUtf8 } from "./requests.ts";
import { type Input, type Method, type Route, route } from "./route.ts";
import type { AppEnv } from "./routing.ts";

/** docs/profiles.md, Knowledge; all of it is for operators, but for what a call has. */

const NO_STORE = { "Cache-Control": "no-store" };

/** What a document may be. */
const CONTENT_TYPES: readonly string[] = ["text/markdown", "text/plain"];

/** Where calls read documents; undefined where no bucket is bound. */
export function knowledgeStore(context: Context<AppEnv>): KnowledgeStore | undefined {
  const bucket = knowledgeBucket(context.env, context.get("settings"));
  return bucket && bucketKnowledge(bucket);
}

function requireBucket(context: Context<AppEnv>): KnowledgeBucket {
  const bucket = knowledgeBucket(context.env, context.get("settings"));
  if (!bucket) throw new HttpError(503, "configuration", "KNOWLEDGE is not bound");
  return bucket;
}

/** @throws {HttpError} 404 for a profile that there is not; the deployment's own is always there */
async function requireProfile(context: Context<AppEnv>, name: string): Promise<void> {
  if (name === DEFAULT_NAME) return;
  const book = () => context.env.PROFILE_BOOK.getByName(BOOK_NAME);
  const ask = async () => book().get(name);
  const found = await askObject<StoredProfile | undefined>(ask, MAX_ATTEMPTS, "the book of profiles");
  if (!found) throw new HttpError(404, "not_found", "there is no such profile");
}

function noSuchDocument(): HttpError {
  return new HttpError(404, "not_found", "there is no such document");
}

interface StoredObject {
  readonly key: string;
  readonly size: number;
  readonly httpEtag: string;
  readonly uploaded: Date;
  readonly httpMetadata?: { readonly contentType?: string | undefined } | undefined;
  readonly customMetadata?: Readonly<Record<string, string>> | undefined;
}

function shown({ key, size, httpEtag, uploaded, httpMetadata, customMetadata }: StoredObject) {
  const tokens = Number(customMetadata?.["tokens"]);
  return {
    file: key.slice(key.indexOf("/") + 1),
    contentType: httpMetadata?.contentType ?? "text/plain",
    bytes: size,
    tokens: Number.isFinite(tokens) ? tokens : null,
    updated: uploaded.toISOString(),
    etag: httpEtag,
  };
}

/** The documents of a profile, by name; those beyond the bound, which somebody else has put there, are left out. */
async function documentsOf(bucket: KnowledgeBucket, profile: string) {
  const include: ("httpMetadata" | "customMetadata")[] = ["httpMetadata", "customMetadata"];
  // One more than there may be: what is there without the gateway is seen.
  const options = { prefix: knowledgeKey(profile, ""), limit: MAX_KNOWLEDGE_FILES + 1, include };
  const page = await bucket.list(options as R2ListOptions);
  return page.objects.map((object) => shown(object));
}

async function list(context: Context<AppEnv>, profile: string): Promise<Response> {
  const bucket = requireBucket(context);
  await requireProfile(context, profile);
  return context.json({ name: profile, documents: await documentsOf(bucket, profile) }, 200, NO_STORE);
}

async function get(context: Context<AppEnv>, profile: string, file: string): Promise<Response> {
  const bucket = requireBucket(context);
  await requireProfile(context, profile);
  const object = await bucket.get(knowledgeKey(profile, file), {});
  if (!object?.text) throw noSuchDocument();
  return new Response(object.body, {
    headers: {
      "Content-Type": `${object.httpMetadata?.contentType ?? "text/plain"}; charset=utf-8`,
      "Content-Length": String(object.size),
      // It is text of somebody's, and nothing that a browser is to run.
      "X-Content-Type-Options": "nosniff",
      ETag: object.httpEtag,
      ...NO_STORE,
    },
  });
}

/** @throws {HttpError} 415 */
function contentTypeOf(request: Request): string {
  const header = request.headers.get("Content-Type") ?? "";
  const type = (header.split(";", 1)[0] ?? "").trim().toLowerCase();
  if (!CONTENT_TYPES.includes(type))
    throw new HttpError(415, "unsupported_media_type", `Content-Type must be ${CONTENT_TYPES.join(" or ")}`);
  requireUtf8(header);
  return type;
}

/** What the request says must be there, as the bucket takes it. @throws {HttpError} 400 */
function conditionOf({ headers }: Request): Headers | undefined {
  const [match, none] = [headers.get("If-Match")?.trim(), headers.get("If-None-Match")?.trim()];
  if (none !== undefined && (none !== "*" || match !== undefined))
    throw new HttpError(400, "bad_precondition", "If-None-Match must be * and the only condition");
  if (match !== undefined && !/^(?:\*|"[^"]+")$/.test(match))
    throw new HttpError(400, "bad_precondition", "If-Match must be one ETag, in quotes, or *");
  if (match !== undefined) return new Headers({ "If-Match": match });
  return none === undefined ? undefined : new Headers({ "If-None-Match": none });
}

function changed(etag: string | undefined): HttpError {
  const message = etag === undefined ? "there is no such document" : "the document is another one";
  return new HttpError(412, "changed", message, etag === undefined ? {} : { ETag: etag });
}

async function put(context: Context<AppEnv>, profile: string, file: string): Promise<Response> {
  const { raw } = context.req;
  const contentType = contentTypeOf(raw);
  const onlyIf = conditionOf(raw);
  const text = decodeUtf8(await readBody(raw, MAX_KNOWLEDGE_BYTES));
  const fault = text.trim() === "" ? "must not be empty" : textFault(text);
  if (fault !== undefined) throw new HttpError(400, "bad_document", `the document ${fault}`);
  const bucket = requireBucket(context);
  await requireProfile(context, profile);
  const key = knowledgeKey(profile, file);
  const before = await documentsOf(bucket, profile);
  const isNew = !before.some((one) => one.file === file);
  if (isNew && before.length >= MAX_KNOWLEDGE_FILES)
    throw new HttpError(409, "too_many_documents", `a profile has at most ${MAX_KNOWLEDGE_FILES} documents`);
  const stored = await bucket.put(key, text, {
    httpMetadata: { contentType },
    customMetadata: { tokens: String(estimatedTokens(text)) },
    ...(onlyIf && { onlyIf }),
  });
  if (!stored) throw changed((await bucket.head(key))?.httpEtag);
  context.get("shelf").put(profile, file, { etag: stored.etag, text });
  const { size, httpEtag, uploaded } = stored;
  const metadata = { httpMetadata: { contentType }, customMetadata: { tokens: String(estimatedTokens(text)) } };
  return context.json(shown({ key, size, httpEtag, uploaded, ...metadata }), isNew ? 201 : 200, {
    ETag: httpEtag,
    ...(isNew && { Location: `/api/profiles/${profile}/knowledge/${file}` }),
    ...NO_STORE,
  });
}

async function remove(context: Context<AppEnv>, profile: string, file: string): Promise<Response> {
  const condition = conditionOf(context.req.raw);
  const bucket = requireBucket(context);
  await requireProfile(context, profile);
  const key = knowledgeKey(profile, file);
  const there = await bucket.head(key);
  if (!there) throw noSuchDocument();
  const match = condition?.get("If-Match") ?? "*";
  if (condition?.has("If-None-Match") || (match !== "*" && match !== there.httpEtag)) throw changed(there.httpEtag);
  await bucket.delete([key]);
  context.get("shelf").forget(profile, file);
  return context.json({ status: "deleted" });
}

/** What would be wrong about the documents that a profile names: those that are not there, and those that have no room. */
export async function knowledgeFindings(
  context: Context<AppEnv>,
  name: string,
  profile: Profile,
): Promise<readonly Finding[]> {
  const { knowledge = [] } = profile;
  const bucket = knowledgeBucket(context.env, context.get("settings"));
  if (knowledge.length === 0) return [];
  if (!bucket)
    return [
      {
        severity: "warning",
        place: "profile.knowledge",
        message: "is nowhere: no bucket is bound (KNOWLEDGE), and calls begin without",
      },
    ];
  const there = new Map((await documentsOf(bucket, name)).map(({ file, tokens }) => [file, tokens ?? 0]));
  const findings = knowledge.flatMap((file, index): Finding[] => {
    if (there.has(file)) return [];
    const message = "is not there, and calls begin without it";
    return [{ severity: "warning", place: `profile.knowledge[${index}]`, message }];
  });
  const tokens = knowledge.reduce((sum, file) => sum + (there.get(file) ?? 0), 0);
  const budget = knowledgeTokensOf(profile);
  if (tokens > budget)
    findings.push({
      severity: "warning",
      place: "profile.knowledgeTokens",
      message: `is ${budget}, and the documents are about ${tokens} tokens: what has no room is left out`,
    });
  return findings;
}

export function knowledgeRoutes(): readonly Route[] {
  const of = (method: Method, rest: string, answer: (context: Context<AppEnv>, input: Input) => Promise<Response>) =>
    route({ method, path: `/api/profiles/:profile/knowledge${rest}`, access: "operator", query: {}, answer });
  return [
    of("GET", "", (context, { profile }) => list(context, profile)),
    of("GET", "/:file", (context, { profile, file }) => get(context, profile, file)),
    of("PUT", "/:file", (context, { profile, file }) => put(context, profile, file)),
    of("DELETE", "/:file", (context, { profile, file }) => remove(context, profile, file)),
  ];
}
