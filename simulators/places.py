"""Regions, service stations, customers and sites of the demonstration fleet; none of them is real
beyond the names and coordinates of cities."""

from __future__ import annotations

from simulators.season import Climate

#: Region: id, English, Chinese, climate.
REGIONS: tuple[tuple[str, str, str, Climate], ...] = (
    ("south", "South China", "华南", "south"),
    ("east", "East China", "华东", "south"),
    ("central", "Central China", "华中", "south"),
    ("southwest", "Southwest China", "西南", "south"),
    ("north", "North China", "华北", "north"),
    ("northeast", "Northeast China", "东北", "north"),
    ("northwest", "Northwest China", "西北", "north"),
)

#: Station: id, region, English, Chinese, latitude, longitude, altitude in metres.
STATIONS: tuple[tuple[str, str, str, str, float, float, float], ...] = (
    ("guangzhou", "south", "Guangzhou", "广州", 23.13, 113.26, 20),
    ("shenzhen", "south", "Shenzhen", "深圳", 22.78, 114.02, 20),
    ("nanning", "south", "Nanning", "南宁", 22.82, 108.37, 80),
    ("shanghai", "east", "Shanghai", "上海", 31.15, 121.40, 5),
    ("hangzhou", "east", "Hangzhou", "杭州", 30.27, 120.10, 15),
    ("hefei", "east", "Hefei", "合肥", 31.82, 117.23, 30),
    ("changsha", "central", "Changsha", "长沙", 28.20, 112.98, 60),
    ("wuhan", "central", "Wuhan", "武汉", 30.60, 114.30, 25),
    ("chengdu", "southwest", "Chengdu", "成都", 30.66, 104.06, 500),
    ("kunming", "southwest", "Kunming", "昆明", 25.04, 102.71, 1890),
    ("beijing", "north", "Beijing", "北京", 39.80, 116.40, 45),
    ("shijiazhuang", "north", "Shijiazhuang", "石家庄", 38.04, 114.50, 80),
    ("shenyang", "northeast", "Shenyang", "沈阳", 41.80, 123.43, 45),
    ("harbin", "northeast", "Harbin", "哈尔滨", 45.75, 126.64, 140),
    ("xian", "northwest", "Xi'an", "西安", 34.27, 108.95, 400),
)

#: Customer: id, English, Chinese.
CUSTOMERS: tuple[tuple[str, str, str], ...] = (
    ("lingfeng", "Lingfeng Concrete Services", "岭峰混凝土服务有限公司"),
    ("haiyue", "Haiyue Pumping", "海岳泵送工程有限公司"),
    ("jiangcheng", "Jiangcheng Construction Group", "江城建工集团"),
    ("tianqiao", "Tianqiao Bridge Engineering", "天桥路桥工程有限公司"),
    ("ruihe", "Ruihe Equipment Rental", "瑞禾设备租赁有限公司"),
    ("beichen", "Beichen Hoisting", "北辰吊装有限公司"),
    ("yunling", "Yunling Road Works", "云岭公路养护有限公司"),
    ("chuannan", "Chuannan Builders", "川南建筑工程有限公司"),
    ("donghai", "Donghai Ready-mix", "东海预拌混凝土有限公司"),
    ("huaxin", "Huaxin Infrastructure", "华欣基础设施建设有限公司"),
    ("songjiang", "Songjiang Highway Construction", "松江高速建设有限公司"),
    ("qinling", "Qinling Tunnel and Metro", "秦岭隧道地铁工程有限公司"),
)

#: Kinds of site for each product: English, Chinese.
SITES: dict[str, tuple[tuple[str, str], ...]] = {
    "concrete_boom_pump": (
        ("riverside housing, lot {n}", "滨江住宅{n}标段"),
        ("metro line {n} station pit", "地铁{n}号线车站基坑"),
        ("viaduct section {n}", "高架桥{n}标段"),
        ("water plant, phase {n}", "水厂{n}期工程"),
    ),
    "trailer_pump": (
        ("office tower {n}", "{n}号写字楼"),
        ("high-rise housing, block {n}", "高层住宅{n}号楼"),
        ("tunnel portal {n}", "隧道{n}号洞口"),
    ),
    "truck_crane": (
        ("steel hall {n}", "{n}号钢结构厂房"),
        ("bridge girders, span {n}", "桥梁{n}号跨吊装"),
        ("wind farm row {n}", "风电场{n}排"),
        ("equipment yard {n}", "{n}号设备堆场"),
    ),
    "tower_crane": (
        ("housing estate, block {n}", "住宅小区{n}号楼"),
        ("hospital wing {n}", "医院{n}号楼"),
        ("school campus, building {n}", "学校{n}号教学楼"),
        ("exhibition hall {n}", "会展中心{n}号馆"),
    ),
    "asphalt_paver": (
        ("ring road section {n}", "环城公路{n}标段"),
        ("expressway lot {n}", "高速公路{n}标段"),
        ("airport taxiway {n}", "机场{n}号滑行道"),
    ),
}

#: Out of ten machines, which product each is.
MIX: tuple[str, ...] = (
    "concrete_boom_pump",
    "truck_crane",
    "tower_crane",
    "trailer_pump",
    "asphalt_paver",
    "concrete_boom_pump",
    "tower_crane",
    "concrete_boom_pump",
    "truck_crane",
    "trailer_pump",
)
