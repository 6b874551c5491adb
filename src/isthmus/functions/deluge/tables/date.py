"""Dates and times."""

from isthmus.functions.deluge.entries import Builtin, entry


def _shift(name: str, unit: str, plus: str, minus: str) -> tuple[Builtin, Builtin]:
    pattern = '.toString("dd-MMM-yyyy HH:mm:ss");'
    return (
        entry(f"date.add{name}(count: number) -> date", f"So many {unit} later.", f"info '01-Feb-2026 10:00:00'.add{name}(1){pattern}", plus),
        entry(f"date.sub{name}(count: number) -> date", f"So many {unit} earlier.", f"info '01-Feb-2026 10:00:00'.sub{name}(1){pattern}", minus),
    )  # fmt: skip


ENTRIES: tuple[Builtin, ...] = (
    *_shift("Day", "days", "02-Feb-2026 10:00:00", "31-Jan-2026 10:00:00"),
    *_shift("Week", "weeks", "08-Feb-2026 10:00:00", "25-Jan-2026 10:00:00"),
    *_shift("Month", "months", "01-Mar-2026 10:00:00", "01-Jan-2026 10:00:00"),
    *_shift("Year", "years", "01-Feb-2027 10:00:00", "01-Feb-2025 10:00:00"),
    *_shift("Hour", "hours", "01-Feb-2026 11:00:00", "01-Feb-2026 09:00:00"),
    *_shift("Minutes", "minutes", "01-Feb-2026 10:01:00", "01-Feb-2026 09:59:00"),
    *_shift("Seconds", "seconds", "01-Feb-2026 10:00:01", "01-Feb-2026 09:59:59"),
    entry("date.addBusinessDay(count: number, weekend?: list, holidays?: list) -> date", "So many working days later; Saturday and Sunday are free unless given.", "info '06-Feb-2026'.addBusinessDay(1).getDay();", "9"),
    entry("date.subBusinessDay(count: number, weekend?: list, holidays?: list) -> date", "So many working days earlier; Saturday and Sunday are free unless given.", "info '09-Feb-2026'.subBusinessDay(1).getDay();", "6"),
    entry("date.addBusinessHour(count: number, weekend: list, holidays: list, hours: list) -> date", "So many working hours later.", "info '09-Feb-2026 10:00:00'.addBusinessHour(2,{\"Saturday\",\"Sunday\"},{},{\"09:00:00\",\"17:00:00\"});"),
    entry("date.workday(count: number, weekend?: list, holidays?: list) -> date", "The date so many working days later; Saturday and Sunday are free unless given.", "info '15-Mar-2019'.workday(1).getDay();", "18"),
    entry("date.edate(months: number) -> date", "The date so many months later.", "info '01-Jan-2026'.edate(2).getMonth();", "3"),
    entry("date.eomonth(months: number) -> date", "The last day of the month so many months later.", "info '01-Jan-2026'.eomonth(1).getDay();", "28"),
    entry("date.toStartOfWeek() -> date", "The Sunday of its week.", "info '15-Mar-2019'.toStartOfWeek().getDay();", "10"),
    entry("date.toStartOfMonth() -> date", "The first day of its month.", "info '15-Mar-2019'.toStartOfMonth().getDay();", "1"),
    entry("date.nextWeekDay(day: text) -> date", "The next date with this day of the week.", "info '15-Mar-2019'.nextWeekDay(\"Monday\").getDay();", "18"),
    entry("date.previousWeekDay(day: text) -> date", "The last date before with this day of the week.", "info '15-Mar-2019'.previousWeekDay(\"Monday\").getDay();", "11"),
    entry("date.getDay() -> number", "The day of the month.", "info '15-Mar-2019'.getDay();", "15", aliases="day"),
    entry("date.getMonth() -> number", "The month, 1 to 12.", "info '15-Mar-2019'.getMonth();", "3", aliases="month"),
    entry("date.getYear() -> number", "The year.", "info '15-Mar-2019'.getYear();", "2019", aliases="year"),
    entry("date|time.getHour() -> number", "The hour, 0 to 23.", "info '15-Mar-2019 16:20:30'.getHour();", "16", aliases="hour"),
    entry("date|time.getMinutes() -> number", "The minute.", "info '15-Mar-2019 16:20:30'.getMinutes();", "20", aliases="minute"),
    entry("date|time.getSeconds() -> number", "The second.", "info '15-Mar-2019 16:20:30'.getSeconds();", "30", aliases="second"),
    entry("date.getDayOfWeek() -> number", "The day of the week, 1 for Sunday to 7 for Saturday.", "info '15-Mar-2019'.getDayOfWeek();", "6", aliases="weekday"),
    entry("date.getDayOfYear() -> number", "The day of the year, from 1.", "info '01-Feb-2019'.getDayOfYear();", "32"),
    entry("date.getWeekOfYear(firstDay?: text) -> number", "The week of the year; week 1 holds 1 January, and weeks begin on Sunday unless given.", "info '07-Feb-2021'.getWeekOfYear();", "7"),
    entry("date.daysBetween(other: date) -> number", "How many days later the other is.", "info '01-Jan-2019'.daysBetween('31-Dec-2019');", "364", aliases="days360"),
    entry("date.monthsBetween(other: date) -> number", "How many times 30 days later the other is.", "info '01-Feb-2020'.monthsBetween('01-Mar-2020');", "0"),
    entry("date.monthsDiff(other: date) -> number", "The difference in calendar months.", "info '01-Feb-2020'.monthsDiff('01-Mar-2020');", "1", aliases="totalMonth"),
    entry("date.yearsBetween(other: date) -> number", "How many times 365 days later the other is.", "info '02-Jan-2020'.yearsBetween('01-Jan-2021');", "1"),
    entry("date.yearsDiff(other: date) -> number", "The difference in whole calendar years.", "info '02-Jan-2020'.yearsDiff('01-Jan-2021');", "0", aliases="totalYear"),
    entry("date.hoursBetween(other: date) -> number", "How many hours later the other is.", "info '01-Jan-2019 10:00:00'.hoursBetween('01-Jan-2019 15:00:00');", "5"),
    entry("date.timeBetween(other: date) -> text", "How much later the other is, as a text of hours, minutes and seconds.", "info '01-Jan-2019 10:00:00'.timeBetween('01-Jan-2019 15:00:00');"),
    entry("date.unixEpoch(zone?: text) -> number", "Milliseconds since the beginning of 1970.", "info '02-Jan-1970 00:00:00'.unixEpoch(\"UTC\");"),
    entry("date.getDate() -> date", "The date without its time.", "info '15-Mar-2019 16:20:30'.getDate().getDay();", "15"),
    entry("date.getTime() -> number", "Milliseconds since the beginning of 1970.", "info '15-Mar-2019 16:20:30'.getTime() > 0;", "true"),
    entry("now() -> date", "The present date-time.", "info now().getYear() > 2000;", "true", host=True),
    entry("today() -> date", "The present date.", "info today().getYear() > 2000;", "true", host=True),
)  # fmt: skip
