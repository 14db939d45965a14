import { main } from "../../src/cli.ts";
import type { Fetch } from "../../src/runtime.ts";
import { ownFirstLog } from "./nginx.ts";
import { testRuntime } from "./runtime.ts";
import type { Ended } from "./site.ts";
import { tempRoot } from "./temp-root.ts";
import type { TempRoot } from "./temp-root.ts";

/** A machine in a directory, whose nginx and Apache are the real ones with its own configuration. */
export interface WebMachine extends TempRoot {
  run(...args: readonly string[]): Promise<Ended>;
}

const http = `access_log off; include conf.d/*.conf;`;

export async function webMachine({ fetch }: { readonly fetch?: Fetch } = {}): Promise<WebMachine> {
  const root = tempRoot();
  const log = root.at("nginx-error.log");
  const nginx = ["/usr/sbin/nginx", ...(await ownFirstLog(log)), "-c", root.at("etc/nginx/nginx.conf")];
  root.write("usr/sbin/nginx", `#!/bin/sh\nexec ${nginx.join(" ")} "$@"\n`, 0o755);
  root.write(
    "usr/sbin/apachectl",
    `#!/bin/sh\nexec /usr/sbin/apache2 -f ${root.at("etc/apache2/apache2.conf")} "$@"\n`,
    0o755,
  );
  root.write("etc/nginx/conf.d/default.conf", "server { listen 127.0.0.1:1; server_name example.com; }\n");
  root.write(
    "etc/nginx/nginx.conf",
    `pid ${root.at("nginx.pid")};\nerror_log ${log};\nevents {}\nhttp {\n  ${http}\n}\n`,
  );
  root.write(
    "etc/apache2/apache2.conf",
    `ServerName example.com
Listen 127.0.0.1:1
LoadModule mpm_event_module /usr/lib/apache2/modules/mod_mpm_event.so
LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so
LoadModule remoteip_module /usr/lib/apache2/modules/mod_remoteip.so
ErrorLog ${root.at("apache-error.log")}
PidFile ${root.at("apache.pid")}
IncludeOptional ${root.at("etc/apache2/conf.d")}/*.conf
`,
  );
  root.write("etc/apache2/conf.d/other.conf", "");
  return {
    ...root,
    async run(...args) {
      const runtime = testRuntime({ root: root.path, ...(fetch === undefined ? {} : { fetch }) });
      const code = await main(args, runtime);
      return {
        code,
        stdout: runtime.printed.join("\n").replaceAll(root.path, ""),
        stderr: runtime.talked.join("\n").replaceAll(root.path, ""),
      };
    },
    [Symbol.dispose]: () => root[Symbol.dispose](),
  };
}
