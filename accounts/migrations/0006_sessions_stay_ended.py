"""A session that has ended stays so, and for its first reason, whoever saves a copy of it from before."""

from django.db import migrations

STAY_ENDED = """
CREATE FUNCTION accounts_stay_ended() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.ended_at := OLD.ended_at;
    NEW.end_reason := OLD.end_reason;
    RETURN NEW;
END $$;
CREATE TRIGGER accounts_stay_ended BEFORE UPDATE ON accounts_session
    FOR EACH ROW WHEN (OLD.ended_at IS NOT NULL) EXECUTE FUNCTION accounts_stay_ended();
"""
DROP_STAY_ENDED = """
DROP TRIGGER accounts_stay_ended ON accounts_session;
DROP FUNCTION accounts_stay_ended;
"""


class Migration(migrations.Migration):
    dependencies = [("accounts", "0005_rights_that_are_moved")]
    operations = [migrations.RunSQL(STAY_ENDED, DROP_STAY_ENDED)]
