import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { ErrorObject, ValidateFunction } from "ajv";
import { Ajv } from "ajv";
import formats from "ajv-formats";

/** Checks calls and answers against Cloudflare's OpenAPI document; each string returned is one violation. */
export interface Contract {
  /** `path` is below the API's base; `body` is undefined when there is none. */
  validateRequest(method: string, path: string, query: URLSearchParams, body: unknown): string[];
  validateAnswer(method: string, path: string, status: number, body: unknown): string[];
}

/** Where the document, which is no part of this project, is looked for. */
const openapiPath =
  process.env["CLOUDFLARE_OPENAPI"] ??
  join(import.meta.dir, "../../../shared/cloudflare/openapi-subset.json");

/** What Cloudflare does and its document does not say. */
const deviations: readonly { readonly reason: string; readonly violation: RegExp }[] = [
  {
    reason: "older spellings of the list filters, which fail2ban's own action and other clients still send",
    violation:
      /^request GET \S+: query "(configuration_target|configuration_value|scope_type)" is not documented$/,
  },
  {
    reason: "one rule of the user can be read; the document has list, create, edit and delete only",
    violation: /^request GET \/user\/firewall\/access_rules\/rules\/[^/]+: not documented$/,
  },
  { reason: "errors and messages may be null", violation: /^answer .*: \/(errors|messages) must be array$/ },
  {
    reason: "refusals by the gateway may lack messages and result",
    violation: /^answer .* 4\d\d: body must have required property '(messages|result)'$/,
  },
  {
    reason: "nobody has quoted a code for a validation error, nor for a bulk operation that has to wait",
    violation: /^answer .* (400|429): \/errors\/\d+ must have required property 'code'$/,
  },
];

/** The contract, or null, with a warning, when there is no document. */
export function openapi(): Contract | null {
  loaded ??= existsSync(openapiPath) ? contractOf(JSON.parse(readFileSync(openapiPath, "utf8"))) : "missing";
  if (loaded !== "missing") return loaded;
  if (!warned)
    console.warn(`SKIPPED: the contract with Cloudflare is not checked, no document at ${openapiPath}`);
  warned = true;
  return null;
}

let loaded: Contract | "missing" | undefined;
let warned = false;

interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: object;
}

interface Operation {
  readonly parameters?: readonly { readonly name: string; readonly in: string; readonly schema: object }[];
  readonly requestBody?: { readonly required?: boolean; readonly content: Content };
  readonly responses: Readonly<Record<string, { readonly content?: Content }>>;
}

type Content = Readonly<Record<string, { readonly schema: object }>>;

function contractOf(document: Document): Contract {
  const options = { strict: false, allErrors: true, logger: false } as const;
  const exact = new Ajv(options);
  const coercing = new Ajv({ ...options, coerceTypes: true });
  formats(exact);
  formats(coercing);
  const compiled = new WeakMap<object, ValidateFunction>();
  const wrappers = new WeakMap<object, object>();
  const check = (ajv: Ajv, schema: object, value: unknown): ErrorObject[] => {
    // The document's components go along so that its references resolve.
    const compile = () => ajv.compile({ components: document.components, allOf: [schema] });
    const validate = compiled.getOrInsertComputed(schema, compile);
    return validate(value) ? [] : (validate.errors ?? []);
  };
  const operation = (method: string, path: string) => {
    const template = Object.keys(document.paths)
      .filter((template) => matches(template, path))
      .toSorted((a, b) => a.split("{").length - b.split("{").length)[0];
    return template === undefined ? undefined : document.paths[template]?.[method.toLowerCase()];
  };

  return {
    validateRequest(method, path, query, body) {
      const found = operation(method, path);
      if (found === undefined) return undocumented(`request ${method} ${path}: not documented`);
      const violations = [...query].flatMap(([name, value]) => {
        const parameter = found.parameters?.find((each) => each.in === "query" && each.name === name);
        if (parameter === undefined) return [`query "${name}" is not documented`];
        // Only a property can be coerced, so the text stands in an object.
        const wrapped = wrappers.getOrInsertComputed(parameter, () => ({
          type: "object",
          properties: { [name]: parameter.schema },
        }));
        return check(coercing, wrapped, { [name]: value }).map((error) => `query ${text(error)}`);
      });
      const content = found.requestBody?.content["application/json"];
      if (body === undefined) {
        if (found.requestBody?.required === true) violations.push("body is missing");
      } else if (content === undefined) violations.push("body is not documented");
      else violations.push(...check(exact, content.schema, body).map(text));
      return violations.flatMap((violation) => undocumented(`request ${method} ${path}: ${violation}`));
    },
    validateAnswer(method, path, status, body) {
      const responses = operation(method, path)?.responses;
      const response = responses?.[String(status)] ?? responses?.[`${String(status)[0]}XX`];
      const schema = response?.content?.["application/json"]?.schema;
      if (schema === undefined) return [];
      return check(exact, schema, body).flatMap((error) =>
        undocumented(`answer ${method} ${path} ${status}: ${text(error)}`),
      );
    },
  };
}

function matches(template: string, path: string): boolean {
  const [wanted, given] = [template.split("/"), path.split("/")];
  return (
    wanted.length === given.length && wanted.every((part, i) => part === given[i] || part.startsWith("{"))
  );
}

/** The violation, unless it is one that we know of. */
function undocumented(violation: string): string[] {
  return deviations.some((deviation) => deviation.violation.test(violation)) ? [] : [violation];
}

function text({ instancePath, message = "is wrong" }: ErrorObject): string {
  return `${instancePath === "" ? "body" : instancePath} ${message}`;
}
