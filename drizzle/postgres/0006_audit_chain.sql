ALTER TABLE "audit" ADD COLUMN "seq" bigint;
--> statement-breakpoint
ALTER TABLE "audit" ADD COLUMN "previous" text COLLATE "C";
--> statement-breakpoint
ALTER TABLE "audit" ADD COLUMN "salt" text COLLATE "C";
--> statement-breakpoint
ALTER TABLE "audit" ADD COLUMN "hash" text COLLATE "C";
--> statement-breakpoint
-- chains: audit
--> statement-breakpoint
ALTER TABLE "audit" ALTER COLUMN "seq" SET NOT NULL, ALTER COLUMN "previous" SET NOT NULL, ALTER COLUMN "salt" SET NOT NULL, ALTER COLUMN "hash" SET NOT NULL;
--> statement-breakpoint
CREATE UNIQUE INDEX "audit_seq" ON "audit" USING btree ("seq");
--> statement-breakpoint
ALTER TABLE "audit" ADD CONSTRAINT "audit_chain" CHECK ("seq" > 0 AND length("previous") = 64 AND length("hash") = 64);
