import { accessRulesBackend, listBackend } from "../support/backends.ts";
import { blocklistFaults } from "./blocklist-faults.ts";
import { blocklistContract } from "./blocklist.ts";

for (const backend of [accessRulesBackend, listBackend]) {
  blocklistContract(backend);
  blocklistFaults(backend);
}
