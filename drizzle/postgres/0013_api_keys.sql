CREATE TABLE "api_keys" (
	"key_id" text COLLATE "C" PRIMARY KEY NOT NULL,
	"alias" text COLLATE "C",
	"alias_of" text COLLATE "C",
	"config_id" text COLLATE "C" DEFAULT 'default' NOT NULL,
	"prefix" text COLLATE "C",
	"rate_limit_enabled" bigint NOT NULL,
	"rate_limit_time_window" bigint,
	"rate_limit_max" bigint,
	"request_count" bigint DEFAULT 0 NOT NULL,
	"last_request" bigint,
	"remaining" bigint,
	"refill_interval" bigint,
	"refill_amount" bigint,
	"last_refill_at" bigint,
	CONSTRAINT "api_keys_rate_limit_enabled" CHECK ("rate_limit_enabled" IN (0, 1))
);
--> statement-breakpoint
ALTER TABLE "api_keys" ADD CONSTRAINT "api_keys_key_id_keys_id_fk" FOREIGN KEY ("key_id") REFERENCES "keys"("id") ON DELETE cascade ON UPDATE no action;
