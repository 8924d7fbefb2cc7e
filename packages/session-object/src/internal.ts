// For packages of this family. No promise of stability.

export { checkSettingNames } from './object/session-settings.ts';
