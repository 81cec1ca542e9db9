"""The report of a search: one self-contained HTML page, updated while the search runs."""

from nao_tf.reports.writer import REPORT_FILE, ReportWriter, rewrite_report, write_report

__all__ = ["REPORT_FILE", "ReportWriter", "rewrite_report", "write_report"]
