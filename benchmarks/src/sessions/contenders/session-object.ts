import { sessionRouter } from '@tmcp-sessions/session-object';

export default sessionRouter({ object: 'MEASURED_SESSION' });
