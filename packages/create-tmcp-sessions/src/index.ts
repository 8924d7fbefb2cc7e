#!/usr/bin/env node
import { createProject } from '@tmcp-sessions/cli/create';

await createProject(process.argv.slice(2));
