/**
 * SNOMED RT codes beside those of Annex L (body-part-table.ts) and the SNOMED CT codes that the standard gives for them, in the form
 * `SNOMED RT code|SNOMED CT code|meaning`: PS3.16 Annex O, of the context groups that the attributes read here are coded by. The pairs are those of the
 * context groups' tables (code value, SNOMED-RT ID). Objects from before 2018 carry the old codes.
 */
/** Laterality and anatomic modifiers: CID 2, 244. */
const MODIFIERS = `
G-A100|24028007|Right
G-A101|7771000|Left
G-A102|51440002|Bilateral
G-A103|66459002|Unilateral
G-A104|49370004|Lateral
R-404CC|255549009|Anterior
R-404CE|255551008|Posterior
G-A107|66787007|Cephalic
G-A108|3583002|Caudal
R-404D5|255561001|Medial
G-A110|26216008|Central
G-A111|14414005|Peripheral
R-40941|261074009|External
R-40819|260521003|Internal
G-A114|11896004|Intermediate
R-4094A|261089000|Inferior
R-42191|264217000|Superior
G-A117|62824007|Transverse
G-A118|40415009|Proximal
G-A119|46053002|Distal
G-A120|60583000|Postaxial
G-A121|32400000|Preaxial
G-A122|43674008|Apical
G-A123|57195005|Basal
G-A127|49530007|Afferent
G-A128|33843005|Efferent
G-A138|81654009|Coronal
G-A139|26283006|Superficial
G-A140|795002|Deep
G-A142|24020000|Horizontal
G-A143|38717003|Longitudinal
G-A144|33096000|Vertical
G-A145|30730003|Sagittal
G-A147|24422004|Axial
G-A151|87687004|Extra-articular
G-A206|410679008|Surface
G-A169|68493006|Gutter
G-A170|32381004|Hilar
G-A171|11070000|Capsular
G-A172|61397002|Subcapsular
G-A174|57183005|Edge
G-A180|37197008|Anterolateral
G-A182|90069004|Posterolateral
G-A15A|131183008|Intra-articular
G-A428|112233002|Marginal
G-A599|79458005|Ascending
G-A600|75294000|Descending
G-A10A|261129000|Midline
G-A188|103342007|Mid-longitudinal
G-A189|103343002|Parasagittal
R-42142|264045001|Intraluminal
R-4218D|264208000|Subcostal
G-A472|21114003|Oblique
G-A185|103339001|Long Axis
G-A187|103341000|Off axis
G-A186|103340004|Short axis
`;

/** Anatomy beside Annex L: CID 1, 4 and those they include. */
const ANATOMY = `
T-32100|59652004|Atrium
T-D6500|34411009|Broad ligament
T-72100|2334006|Calyx
T-21300|53342003|Internal nose
T-23050|18962004|Endo-nasopharyngeal
T-40000|59820001|Blood vessel
T-74250|48367006|Endo-vesical
T-D161E|170887008|Submental
T-04003|19100000|Lower inner quadrant of breast
T-04005|33564002|Lower outer quadrant of breast
T-D4450|113346000|Omental bursa
T-D4600|27398004|Omentum
T-72000|25990002|Renal pelvis
T-D1603|5713008|Submandibular triangle
T-D3213|5076001|Subxiphoid
T-11218|26493002|Suprasternal notch
T-04002|77831004|Upper inner quadrant of breast
T-04004|76365002|Upper outer quadrant of breast
T-D000F|312288001|Vascular graft
T-32400|21814001|Ventricle
T-03000|71966008|Subcutaneous tissue
T-A1120|18545000|Dura mater
T-A1280|23180006|Pia mater
T-D0048|113342003|Lumen
T-D3141|117133000|First Intercostal Space
T-D3142|117134006|Second Intercostal Space
T-D3143|117135007|Third Intercostal Space
T-D3144|117136008|Fourth Intercostal Space
T-D3145|117137004|Fifth Intercostal Space
T-D3146|117138009|Sixth Intercostal Space
T-D3147|117139001|Seventh Intercostal Space
T-D3148|117140004|Eighth Intercostal Space
T-D3149|117141000|Ninth Intercostal Space
T-D314A|117142007|Tenth Intercostal Space
T-D314B|117143002|Eleventh Intercostal Space
`;

/** Procedures: CID 100, 10005 and the interventional ones. */
const PROCEDURES = `
P0-0099A|363679005|Imaging procedure
P5-09051|258177008|Magnetic resonance imaging guidance
P5-0907F|433139009|Dynamic magnetic resonance imaging of knee
P5-009FA|168537006|Plain radiography
P5-40010|71651007|Mammography
P5-06000|44491008|Fluoroscopy
P5-0600F|169014003|Fluoroscopy and radiography
P5-08000|77477000|Computed tomography
R-FFB4A|717193008|Cone beam computed tomography
P5-00027|241686001|Dual energy X-Ray absorptiometry
P1-03100|86273004|Biopsy
P1-03176|10849003|Removal of foreign body
P1-05035|69245005|Intra-arterial infusion of thrombolytic agent
P1-05050|67889009|Irrigation
P1-05535|45211000|Insertion of catheter
P1-30350|6832004|Atherectomy
P1-30351|65659003|Atherectomy by rotary cutter
P1-30352|76611008|Atherectomy by laser
P1-30530|57238002|Selective embolization of artery
P5-31500|68457009|Percutaneous transluminal balloon angioplasty
P5-39010|16736007|Transcatheter therapy for embolization
P0-05AFA|240946003|Percutaneous removal of intravascular foreign body
P1-00018|103709008|Failed attempted procedure
P1-05536|103712006|Catheter manipulation
P1-05537|103713001|Catheter replacement
P1-05538|103714007|Occlusion of catheter
P1-05539|103715008|Removal of catheter
P5-39015|105372003|Transcatheter deployment of detachable balloon
P5-39191|105373008|Percutaneous insertion of intravascular filter
P1-86100|34536000|Amniocentesis
P5-B8310|65388005|Ultrasonic guidance for amniocentesis
`;

/** Species: CID 7454. */
const SPECIES = `
L-85003|337915000|Homo sapiens
L-000F9|388626009|Felis
L-00376|448169003|Felis catus
L-000A9|388445009|Equus
L-8A102|35354009|Equus caballus
L-8C3FD|388254009|Ovis
L-8C336|125099002|Ovis aries
L-8B1FB|388393002|Sus
L-8B100|78678003|Sus scrofa
L-8C3FB|388249000|Capra
L-8C306|125097000|Capra hircus
L-881FC|388490000|Canis
L-88121|36855005|Canis lupus
L-88124|448771007|Canis lupus familiaris
L-8BA18|388168008|Bos
L-8B9F9|107007004|Bovinae
L-8B941|34618005|Bos taurus
L-87830|447482001|Mus genus
L-87831|447612001|Mus musculus
L-877FB|371564000|Rattus
L-877FC|371565004|Rattus norvegicus
L-87A02|125076001|Cavia porcellus
L-88423|449310008|Mustela putorius furo
L-86B02|36571002|Oryctolagus cuniculus
L-001DE|406733009|Callithrix jacchus
`;

/** SNOMED RT code → SNOMED CT code and meaning. */
export const SNOMED_RT_CODES: ReadonlyMap<string, { code: string; meaning: string }> = new Map(
  [MODIFIERS, ANATOMY, PROCEDURES, SPECIES].flatMap((table) =>
    table
      .trim()
      .split("\n")
      .map((line) => {
        const [snomedRt = "", code = "", meaning = ""] = line.split("|");
        return [snomedRt, { code, meaning }] as const;
      }),
  ),
);
