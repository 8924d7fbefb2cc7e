export type {
	RedisConnection,
	RedisListener,
	RedisReply,
	RedisSubscription,
} from './redis-connection.ts';
export {
	isConnectionLoss,
	redisFailure,
	RedisConnectionError,
	RedisTimeoutError,
} from './redis-failure.ts';
