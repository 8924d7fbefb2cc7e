import { buildSite } from './build.ts';
import { serveSite } from './serve.ts';

// `npm run site` builds the site and shows it.
await buildSite();
const { url } = await serveSite(4173);
console.log(`The site is at ${url}`);
