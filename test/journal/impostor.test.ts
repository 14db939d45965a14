import { expect } from "bun:test";
import { connect } from "../../src/journal/postgres/session.ts";
import type { Server } from "../../src/journal/postgres/session.ts";
import { selfSigned } from "../support/certificates.ts";
import { postgres } from "../support/postgres.ts";
import { postgresTest } from "../support/postgres-tests.ts";
import { tempRoot } from "../support/temp-root.ts";

const address = "127.0.0.1";

/** What comes of a session with this server: "open", or the kind of the failure. */
async function attempt(server: Server): Promise<string> {
  try {
    await using session = await connect(server);
    await session.run("SELECT 1");
    return "open";
  } catch (error) {
    return error instanceof Error && "kind" in error ? String(error.kind) : String(error);
  }
}

postgresTest(
  "whoever answers in the place of a fleet's database with a certificate of his own making, of another name, or with none, gets no session",
  async () => {
    using root = tempRoot();
    const [own, other] = [await selfSigned(root, address), await selfSigned(root, "203.0.113.5")];
    root.write("own.pem", own.cert);
    root.write("other.pem", other.cert);
    const told = async (tls: typeof own | undefined) => {
      const pg = await postgres({ listen: address, ...(tls === undefined ? {} : { tls }) });
      const server = { ...(await pg.database()), host: address, tls: "verify-full" } as const;
      return { server, [Symbol.asyncDispose]: () => pg[Symbol.asyncDispose]() };
    };
    {
      await using right = await told(own);
      const { server } = right;
      expect(await attempt({ ...server, caFile: root.at("own.pem") })).toBe("open");
      expect(await attempt({ ...server, caFile: root.at("other.pem") })).toBe("unavailable");
      expect(await attempt({ ...server, caFile: null })).toBe("unavailable");
    }
    {
      await using misnamed = await told(other);
      expect(await attempt({ ...misnamed.server, caFile: root.at("other.pem") })).toBe("unavailable");
    }
    {
      await using plain = await told(undefined);
      expect(await attempt({ ...plain.server, caFile: root.at("own.pem") })).toBe("unavailable");
      expect(await attempt({ ...plain.server, tls: "require", caFile: null })).toBe("unavailable");
    }
  },
);
