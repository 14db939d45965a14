import { accessRulesBackend, listBackend } from "../support/backends.ts";
import { blocklistContract } from "./blocklist.ts";

blocklistContract(accessRulesBackend);
blocklistContract(listBackend);
