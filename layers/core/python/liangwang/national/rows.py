"""Rows of the exchange tables, with their columns' own names. An empty text is a column that is not filled."""

from typing import Any

from msgspec import Struct


class Row(Struct, frozen=True, kw_only=True):
    """What every row has: who it is (the same in every export), and when, in which batch and why it was sent.

    ``liangwang_ext`` holds what the columns do not say (``extension.py``).
    """

    row_guid: str
    cd_operation: str = "I"
    cd_time: str = ""
    cd_batch: str = ""
    data_source: str = ""
    liangwang_ext: dict[str, Any] = {}


class _Application(Row, frozen=True, kw_only=True):
    project_no: str
    task_code: str
    task_version: int | None
    catalog_code: str = ""
    task_name: str = ""
    project_name: str = ""
    project_type: str = ""
    applyer_name: str = ""
    applyer_type: str = ""
    applyer_page_type: str = ""
    applyer_page_code: str = ""
    contact_name: str = ""
    contact_type: str = ""
    contact_code: str = ""
    contact_mobile: str = ""
    legal: str = ""
    address: str = ""
    zip_code: str = ""
    apply_type: str = ""
    apply_date: str = ""
    org_code: str = ""
    org_name: str = ""


class Apply(_Application, frozen=True, kw_only=True):
    """办事申请: an application, accepted or not."""


class Accept(_Application, frozen=True, kw_only=True):
    """办件受理信息: an accepted case."""

    handle_user_name: str = ""
    accept_date: str = ""
    accept_doc_no: str = ""
    promise_date: str = ""
    local_catalog_code: str = ""
    local_task_code: str = ""
    task_handle_item: str = ""


class Process(Row, frozen=True, kw_only=True):
    """办件过程信息: one step, or what interrupts it."""

    project_no: str
    process_name: str
    event_name: str
    event_start_time: str
    event_end_time: str
    handle_explain: str
    handle_user_name: str
    remark: str = ""


class Result(Row, frozen=True, kw_only=True):
    """办件结果信息: how a case ended, as it stands now."""

    project_no: str
    handle_user_name: str = ""
    result_date: str
    result_type: str
    result_explain: str = ""
    result_cetr_name: str = ""
    result_cetr_no: str = ""
    is_delivery_results: str = "0"
    satisfaction: str = ""
    remark: str = ""


class SpecialProcedure(Row, frozen=True, kw_only=True):
    """特别程序信息: a stop of the clock, or an extension."""

    project_no: str
    special_type: str
    special_name: str
    special_time: str
    special_reason: str
    applyer_user_name: str = ""
    end_time: str = ""
    result: str = ""
    special_explain: str = ""
    handle_user: str = ""
    remark: str = ""


class HandedIn(Row, frozen=True, kw_only=True):
    """办件材料目录信息: one material as it was handed in."""

    project_no: str
    material_name: str
    get_type: str
    get_num: str = "1"
    material_attach_name: str = ""
    remark: str = ""


class TaskBasic(Row, frozen=True, kw_only=True):
    """事项基本信息."""

    task_name: str = ""
    catalog_code: str = ""
    task_code: str = ""
    task_version: int | None = None
    task_state: str = ""
    task_type: str = ""
    by_law: str = ""
    power_source: str = ""
    use_level: str = ""
    dept_name: str = ""
    dept_code: str = ""
    dept_type: str = ""
    anticipate_day: int | None = None
    anticipate_type: str = ""
    anticipate_explain: str = ""
    promise_day: int | None = None
    promise_type: str = ""
    promise_explain: str = ""
    accept_condition: str = ""
    handle_flow: str = ""
    is_fee: str = ""
    server_type: str = ""
    project_type: str = ""
    handle_type: str = ""
    limit_scene_num: int | None = None
    special_procedure: str = ""
    transact_addr: str = ""
    transact_time: str = ""
    link_way: str = ""
    supervise_way: str = ""
    is_single_login: str = ""
    app_is_single_login: str = ""


class TaskExtend(Row, frozen=True, kw_only=True):
    """事项扩展信息."""

    task_guid: str = ""
    task_code: str = ""
    other_dept: str = ""
    result_name: str = ""
    result_type: str = ""
    is_online: str = ""
    is_schedule: str = ""
    is_pay_online: str = ""
    is_express: str = ""
    is_entry_center: str = ""
    online_handle_url: str = ""
    limit_explain: str = ""
    service_type: str = ""


class TaskMaterial(Row, frozen=True, kw_only=True):
    """事项材料目录信息."""

    task_guid: str = ""
    task_code: str = ""
    order_num: int | None = None
    material_name: str = ""
    is_need: str = ""
    material_type: str = ""
    material_format: str = ""
    source_type: str = ""
    source_explain: str = ""
    page_num: int | None = None
    by_law: str = ""
    remark: str = ""


CASE_ROWS: dict[str, type[Row]] = {
    "apply": Apply,
    "up_pro_accept": Accept,
    "up_pro_process": Process,
    "up_pro_result": Result,
    "up_pro_special_procedure": SpecialProcedure,
    "up_pro_material": HandedIn,
}
"""The tables of a case."""

ITEM_ROWS: dict[str, type[Row]] = {
    "up_task_general_basic": TaskBasic,
    "up_task_general_extend": TaskExtend,
    "up_task_general_material": TaskMaterial,
}
"""The tables of an item."""

ROWS: dict[str, type[Row]] = {**CASE_ROWS, **ITEM_ROWS}
TABLE_OF: dict[type[Row], str] = {kind: name for name, kind in ROWS.items()}
