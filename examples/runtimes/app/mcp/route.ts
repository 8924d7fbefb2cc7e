// oxlint-disable-next-line import/no-unassigned-import -- polyfill that must run first
import '../../src/custom-event.ts';
import { waitUntil } from '@vercel/functions';
import { mcp } from '../../src/mcp.ts';

export const runtime = 'edge';
export const maxDuration = 300;

const handle = (request: Request): Promise<Response> => mcp.fetch(request, {}, { waitUntil });
export { handle as DELETE, handle as GET, handle as POST };
