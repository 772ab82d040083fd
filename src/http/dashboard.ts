/** bull-board as a fastify plugin for `mountDashboard`. */
import { createBullBoard } from "@bull-board/api";
import type { BaseAdapter } from "@bull-board/api/baseAdapter";
import { FastifyAdapter } from "@bull-board/fastify";
import type { FastifyPluginCallback } from "fastify";
import { DASHBOARD_PATH } from "./server.ts";

/** A dashboard of these queues, to be served at /queues. */
export function dashboardPlugin(queues: readonly BaseAdapter[]): FastifyPluginCallback {
  const server = new FastifyAdapter();
  server.setBasePath(DASHBOARD_PATH);
  createBullBoard({ queues: [...queues], serverAdapter: server, options: { uiConfig: { boardTitle: "studycast" } } });
  return server.registerPlugin();
}
