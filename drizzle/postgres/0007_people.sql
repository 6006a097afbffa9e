CREATE TABLE "accounts" (
	"id" text COLLATE "C" PRIMARY KEY NOT NULL,
	"user_id" text COLLATE "C" NOT NULL,
	"issuer" text COLLATE "C" DEFAULT 'local:credential' NOT NULL,
	"provider_id" text COLLATE "C" DEFAULT 'credential' NOT NULL,
	"account_id" text COLLATE "C" NOT NULL,
	"password" text COLLATE "C",
	"access_token" text COLLATE "C",
	"refresh_token" text COLLATE "C",
	"id_token" text COLLATE "C",
	"access_token_expires_at" bigint,
	"refresh_token_expires_at" bigint,
	"scope" text COLLATE "C",
	"created_at" bigint NOT NULL,
	"updated_at" bigint NOT NULL,
	CONSTRAINT "accounts_id" CHECK ("id" SIMILAR TO 'acc\_%' AND length("id") = 30),
	CONSTRAINT "accounts_own_password" CHECK ("issuer" <> 'local:credential' OR ("provider_id" = 'credential' AND "account_id" = "user_id"))
);
--> statement-breakpoint
CREATE TABLE "erased" (
	"id" text COLLATE "C" PRIMARY KEY NOT NULL,
	"at" bigint NOT NULL,
	CONSTRAINT "erased_id" CHECK ("id" SIMILAR TO 'usr\_%' AND length("id") = 30)
);
--> statement-breakpoint
CREATE TABLE "sessions" (
	"id" text COLLATE "C" PRIMARY KEY NOT NULL,
	"user_id" text COLLATE "C" NOT NULL,
	"token_hash" text COLLATE "C" NOT NULL,
	"expires_at" bigint NOT NULL,
	"ip_address" text COLLATE "C",
	"user_agent" text COLLATE "C",
	"impersonated_by" text COLLATE "C",
	"active_organization_id" text COLLATE "C",
	"active_team_id" text COLLATE "C",
	"created_at" bigint NOT NULL,
	"updated_at" bigint NOT NULL,
	CONSTRAINT "sessions_id" CHECK ("id" SIMILAR TO 'ses\_%' AND length("id") = 30),
	CONSTRAINT "sessions_token_form" CHECK (length("token_hash") = 64 AND "token_hash" NOT SIMILAR TO '%[^0-9a-f]%')
);
--> statement-breakpoint
CREATE TABLE "verifications" (
	"id" text COLLATE "C" PRIMARY KEY NOT NULL,
	"identifier" text COLLATE "C" NOT NULL,
	"value" text COLLATE "C" NOT NULL,
	"expires_at" bigint NOT NULL,
	"created_at" bigint NOT NULL,
	"updated_at" bigint NOT NULL,
	CONSTRAINT "verifications_id" CHECK ("id" SIMILAR TO 'ver\_%' AND length("id") = 30)
);
--> statement-breakpoint
ALTER TABLE "users" ADD COLUMN "email_verified" bigint DEFAULT 0 NOT NULL;
--> statement-breakpoint
ALTER TABLE "users" ADD COLUMN "image" text COLLATE "C";
--> statement-breakpoint
ALTER TABLE "users" ADD COLUMN "disabled_reason" text COLLATE "C";
--> statement-breakpoint
ALTER TABLE "users" ADD COLUMN "disabled_until" bigint;
--> statement-breakpoint
ALTER TABLE "accounts" ADD CONSTRAINT "accounts_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "users"("id") ON DELETE cascade ON UPDATE no action;
--> statement-breakpoint
ALTER TABLE "sessions" ADD CONSTRAINT "sessions_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "users"("id") ON DELETE cascade ON UPDATE no action;
--> statement-breakpoint
CREATE UNIQUE INDEX "accounts_issuer" ON "accounts" USING btree ("issuer","account_id");
--> statement-breakpoint
CREATE INDEX "accounts_user" ON "accounts" USING btree ("user_id");
--> statement-breakpoint
CREATE UNIQUE INDEX "sessions_token" ON "sessions" USING btree ("token_hash");
--> statement-breakpoint
CREATE INDEX "sessions_user" ON "sessions" USING btree ("user_id","id");
--> statement-breakpoint
CREATE INDEX "sessions_expiry" ON "sessions" USING btree ("expires_at");
--> statement-breakpoint
CREATE INDEX "verifications_identifier" ON "verifications" USING btree ("identifier","id");
--> statement-breakpoint
CREATE INDEX "verifications_expiry" ON "verifications" USING btree ("expires_at");
--> statement-breakpoint
INSERT INTO "accounts" ("id", "user_id", "issuer", "provider_id", "account_id", "password", "created_at", "updated_at")
SELECT 'acc_' || substr("id", 5), "id", 'local:credential', 'credential', "id", "password_hash", "created_at", "updated_at"
FROM "users" WHERE "password_hash" IS NOT NULL;
--> statement-breakpoint
ALTER TABLE "users" DROP COLUMN "password_hash";
--> statement-breakpoint
ALTER TABLE "users" ADD CONSTRAINT "users_email_verified" CHECK ("email_verified" IN (0, 1));
