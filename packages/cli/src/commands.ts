import { createGroup } from './command/command.ts';
import type { Command } from './command/command.ts';
import { doctorCommand } from './doctor/doctor-command.ts';
import { initCommand } from './init/init-command.ts';
import { keysCommand } from './keys/keys-command.ts';
import { probeCommand } from './probe/probe-command.ts';

/** All commands. */
export const tmcpSessions: Command = createGroup(
	'tmcp-sessions',
	'Creates, checks and probes MCP servers',
	{ init: initCommand, doctor: doctorCommand, probe: probeCommand, keys: keysCommand },
);
