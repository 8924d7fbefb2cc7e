declare namespace Cloudflare {
	interface Env {
		TMCP_SESSION_INFO: KVNamespace;
	}
}
