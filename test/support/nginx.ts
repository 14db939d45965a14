import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { mustRun, runProgram, startProgram } from "./program.ts";
import { tempRoot } from "./temp-root.ts";
import { until } from "./wait.ts";

export interface NginxOptions {
  /** As in nginx's `listen`: "203.0.113.1:80", "[2001:db8::1]:80". */
  readonly listen: readonly string[];
  /** From these, and from nobody else, CF-Connecting-IP is the visitor's address. */
  readonly trusted?: readonly string[];
  /** Requests of one visitor that are served after the first two; what is above gets 429 and a line in the log. */
  readonly rate?: string;
}

/** A real nginx: "/" is limited per visitor, "/free" is not. */
export interface Nginx extends AsyncDisposable {
  readonly errorLog: string;
  /** A glob for the jail's logpath. */
  readonly logs: string;
  /** The error log's text. */
  log(): string;
}

export async function nginx({ listen, trusted = [], rate = "6r/m" }: NginxOptions): Promise<Nginx> {
  const temporary = tempRoot();
  const [errorLog, pidFile] = [temporary.at("nginx/error.log"), temporary.at("nginx.pid")];
  for (const directory of ["nginx", "www", "temp"]) mkdirSync(temporary.at(directory));
  const lines = (each: (address: string) => string, addresses: readonly string[]): string =>
    addresses.map(each).join("\n    ");
  const tempPaths = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(
    (name) => `${name}_temp_path ${temporary.at("temp")}/${name};`,
  );
  // Static files: `return` would answer before limit_req has looked.
  temporary.write("www/index.html", "hello\n");
  temporary.write("www/free", "hello\n");
  temporary.write(
    "nginx.conf",
    `user root;
worker_processes 1;
daemon off;
pid ${pidFile};
error_log ${errorLog} error;
events { worker_connections 128; }
http {
    access_log off;
    ${lines((path) => path, tempPaths)}
    ${lines((address) => `set_real_ip_from ${address};`, trusted)}
    real_ip_header CF-Connecting-IP;
    limit_req_zone $binary_remote_addr zone=visitors:1m rate=${rate};
    limit_req_status 429;
    server {
        ${lines((address) => `listen ${address};`, listen)}
        root ${temporary.at("www")};
        location / { limit_req zone=visitors burst=1 nodelay; }
        location = /free { }
    }
}
`,
  );
  const command = [
    "nginx",
    ...(await ownFirstLog(errorLog)),
    "-p",
    temporary.path,
    "-c",
    temporary.at("nginx.conf"),
  ];
  await mustRun([...command, "-t", "-q"]);
  const server = startProgram(command, temporary.at("output"));
  const end = async (): Promise<void> => {
    await server.end("SIGTERM");
    temporary[Symbol.dispose]();
  };
  const read = (path: string): string => (existsSync(path) ? readFileSync(path, "utf8") : "");
  try {
    await until(
      () => {
        if (!server.isRunning) throw new Error(`nginx ended: ${server.output()}${read(errorLog)}`);
        return read(pidFile) !== "";
      },
      { what: "nginx's pid file" },
    );
  } catch (error) {
    await end();
    throw error;
  }
  return {
    errorLog,
    logs: temporary.at("nginx/*error*.log"),
    log: () => read(errorLog),
    [Symbol.asyncDispose]: end,
  };
}

/** Before it has read its configuration nginx opens the machine's own error log, unless it is new enough to be told. */
export async function ownFirstLog(path: string): Promise<readonly string[]> {
  const { code } = await runProgram(["nginx", "-e", path, "-v"]);
  return code === 0 ? ["-e", path] : [];
}
