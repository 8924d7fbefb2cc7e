#!/usr/bin/env node
import { runProcess } from './command/run-process.ts';
import { tmcpSessions } from './commands.ts';

await runProcess(tmcpSessions, process.argv.slice(2));
